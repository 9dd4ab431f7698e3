//! What a shard can be asked without changing anything.

use super::claims::UserStanding;
use super::pending::PendingClaim;
use super::shares::Share;
use super::steps::GiveBack;
use super::users::UserDigest;
use super::{Campaign, CodeState, Counts, Extent, Hold, Shard};
use crate::campaign::CampaignView;
use crate::codes::{CampaignNumber, CodeKey};
use crate::identifier::HoldId;
use crate::machine::Machine;
use crate::refusal::Refusal;
use crate::timestamp::Timestamp;

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// Could this code be redeemed now?
    Validate {
        /// The code.
        code: CodeKey,
        /// By whom; a user's own hold does not stand in that user's way.
        user: Option<Box<str>>,
    },
    /// What is known of this code?
    Find(CodeKey),
    /// What is known of this code, with its holds and its balance?
    Know(CodeKey),
    /// What hold is this, if it has not ended?
    Hold(HoldId),
    /// How much of a redemption was undone?
    Undone {
        /// Its code.
        code: CodeKey,
        /// How often the code had been made usable again before it.
        generation: u32,
        /// The number of its entry.
        number: u64,
    },
    /// How many of a campaign's codes are in which state?
    Count(CampaignNumber),
    /// How far has the shard come?
    Progress,
    /// Has this user redeemed as often as the campaign allows?
    UserLimit(CampaignNumber, UserDigest),
    /// Which claims up to an entry are pending? So many at most are told.
    PendingClaims {
        /// The last entry whose claim is asked for.
        through: u64,
        /// The most that are told.
        most: usize,
    },
    /// What is to be given back next to users of a shard, the first with this number or a higher
    /// one?
    Owed {
        /// That number.
        from: u16,
    },
    /// What was lent to the shard of a campaign's total?
    Share(CampaignNumber),
}

/// What a shard says to a question, at the last entry that it applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Whether the code could be redeemed, and under which rules.
    Validated(Result<Validated, Refusal>),
    /// The code's campaign and state, if it exists.
    Found(Option<(CampaignView, CodeState)>),
    /// All that is known of the code, if it exists.
    Known(Option<Box<Known>>),
    /// The hold, if it is there, and whether it should have ended.
    Held(Option<Box<(Hold, Due)>>),
    /// How much was undone, if anything.
    Undone(Option<Extent>),
    /// The counts, and the entry at which they are exactly these.
    Counted {
        /// The counts; zeros for a campaign that is not known.
        counts: Counts,
        /// The last entry that was applied.
        last: u64,
    },
    /// How far the shard has come.
    Progress {
        /// The last entry that was applied.
        last: u64,
        /// The last entry that is forgotten.
        forgotten: u64,
        /// How many records of keyed requests are remembered.
        remembered: usize,
    },
    /// How the user stands to the limit.
    UserLimit(UserStanding),
    /// The pending claims, oldest first.
    PendingClaims(Vec<PendingClaim>),
    /// The shard whose users are owed, and what; `None` where nothing is owed.
    Owed(Option<(u16, GiveBack)>),
    /// The share; `None` where the campaign has no total.
    Share(Option<Share>),
}

/// A code that could be redeemed now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validated {
    /// The rules.
    pub campaign: CampaignView,
    /// What happened to the code so far.
    pub state: CodeState,
    /// What is left of it, in minor units, where its campaign has a balance.
    pub balance_left: Option<u64>,
}

/// All that is known of a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its campaign.
    pub campaign: CampaignView,
    /// What happened to it so far.
    pub state: CodeState,
    /// What is left of it, in minor units, where its campaign has a balance.
    pub balance_left: Option<u64>,
    /// The holds on it that should not have ended yet, in the order of their placing.
    pub holds: Vec<Hold>,
}

/// Whether a hold should have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// It has time left.
    Later,
    /// It is as good as ended.
    Now,
}

impl Shard {
    pub(super) fn reply_to(&self, query: &Query, at: Timestamp) -> Reply {
        match query {
            Query::Validate { code, user } => {
                Reply::Validated(self.validate(code, user.as_deref(), at))
            }
            Query::Know(code) => Reply::Known(self.know(code, at).map(Box::new)),
            Query::Hold(id) => Reply::Held(self.hold(*id).map(|hold| {
                let due = if hold.is_due(at) { Due::Now } else { Due::Later };
                Box::new((hold.clone(), due))
            })),
            Query::Undone { code, generation, number } => {
                Reply::Undone(self.undone(code, *generation, *number))
            }
            Query::Find(code) => {
                Reply::Found(self.find(code).map(|(campaign, state)| (campaign.view, state)))
            }
            Query::Count(number) => {
                let counts = |campaign: &Campaign| campaign.counts;
                let counts = self.campaign(*number).map_or_else(Counts::default, counts);
                Reply::Counted { counts, last: self.last() }
            }
            Query::Progress => Reply::Progress {
                last: self.last(),
                forgotten: self.forgotten(),
                remembered: self.remembered(),
            },
            Query::UserLimit(campaign, user) => {
                Reply::UserLimit(self.user_standing(*campaign, *user, at))
            }
            Query::PendingClaims { through, most } => {
                Reply::PendingClaims(self.pending_claims(*through, *most))
            }
            Query::Owed { from } => Reply::Owed(self.next_owed(*from)),
            Query::Share(number) => Reply::Share(self.campaign(*number).and_then(Campaign::share)),
        }
    }

    fn know(&self, code: &CodeKey, at: Timestamp) -> Option<Known> {
        let (campaign, state) = self.find(code)?;
        let holds = self.holds(code).filter(|hold| !hold.is_due(at)).cloned().collect();
        let balance_left = self.balance(code);
        Some(Known { campaign: campaign.view, state, balance_left, holds })
    }
}
