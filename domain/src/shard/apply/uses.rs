//! Where a use of a code is taken and where it is given back: one function for each, whatever it is
//! taken by, so that everything that counts uses is told of all of them.

use crate::codes::CampaignNumber;
use crate::invariant::Invariant;
use crate::shard::{Campaign, Claim, Counts, Shard, UserDigest};

/// What has a use of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taker {
    /// A redemption.
    Redemption,
    /// A hold.
    Hold,
}

impl Shard {
    /// Somebody takes a use of a code.
    pub(super) fn take_use(&mut self, campaign: CampaignNumber, taker: Taker) {
        if let Some(known) = self.campaigns.get_mut(&campaign) {
            *known.counts.taken_by(taker) += 1;
            known.check_share();
        }
    }

    /// A hold becomes a redemption: the use stays taken, and so does what came with it.
    pub(super) fn hand_use_over(&mut self, campaign: CampaignNumber) {
        self.count(campaign, |counts| {
            counts.held = counts.held.saturating_sub(1);
            counts.redeemed += 1;
        });
    }

    /// A use of a code is given back: by a whole rollback, or because a hold ended. The user's use
    /// that was claimed for it is owed, and the use returns to what is left of the campaign's total.
    pub(super) fn give_use_back(
        &mut self,
        campaign: CampaignNumber,
        taker: Taker,
        user: &str,
        claim: Option<Claim>,
    ) {
        if let Some(claim) = claim {
            self.owe(UserDigest::new(campaign, user), claim.period);
        }
        self.campaigns.get_mut(&campaign).into_iter().for_each(Campaign::return_use);
        self.count(campaign, |counts| {
            let taken = counts.taken_by(taker);
            Invariant::OnlyTakenUsesReturn.check(*taken > 0);
            *taken = taken.saturating_sub(1);
        });
    }
}

impl Counts {
    fn taken_by(&mut self, taker: Taker) -> &mut u64 {
        match taker {
            Taker::Redemption => &mut self.redeemed,
            Taker::Hold => &mut self.held,
        }
    }
}
