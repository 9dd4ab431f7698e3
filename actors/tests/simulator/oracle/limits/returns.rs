//! Uses that come back, and are owed to their users until those were told.

use redeemd_domain::codes::CampaignNumber;
use redeemd_domain::shard::{Event, Extent, GiveBack, OwedUse, Record, UserDigest};

use crate::oracle::shard_model::ShardModel;

impl ShardModel {
    /// Takes in that uses come back: they are owed to their users, and no longer the shard's.
    pub(in crate::oracle) fn absorb_return(&mut self, record: &Record) {
        let mut back = Vec::new();
        match &record.event {
            Event::RolledBack(undone) if undone.extent == Extent::Whole => {
                let life = self.life(&undone.code);
                let redemption = life.redemption(undone.redemption).expect("it happened");
                back.push((undone.campaign, undone.user.clone(), redemption.claim));
            }
            Event::HoldReleased(ended) => {
                let claim = self.life(&ended.code).hold(ended.id).and_then(|hold| hold.claim);
                back.push((ended.campaign, ended.user.clone(), claim));
            }
            Event::HoldsExpired(all) => {
                for ended in all {
                    let claim = self.life(&ended.code).hold(ended.id).and_then(|hold| hold.claim);
                    back.push((ended.campaign, ended.user.clone(), claim));
                }
            }
            _ => {}
        }
        let limits = &mut self.limits;
        for (campaign, user, claim) in back {
            *limits.came_back.entry(campaign).or_default() += 1;
            if let Some(claim) = claim {
                limits.owed_last += 1;
                let (number, period) = (limits.owed_last, claim.period);
                let user = UserDigest::new(campaign, &user);
                let target = limits.layout.shard_of(user.slot());
                limits.owed.insert((target, number), OwedUse { number, user, period });
            }
            if let Some(book) = limits.books.get_mut(&campaign) {
                book.returned += 1;
            }
        }
    }

    /// How many uses of a campaign's codes came back.
    pub(crate) fn came_back(&self, campaign: CampaignNumber) -> u64 {
        self.limits.came_back.get(&campaign).copied().unwrap_or(0)
    }

    /// Everything that is owed, by the shard of the user.
    pub(crate) fn owed_uses(&self) -> impl Iterator<Item = (u16, OwedUse)> {
        self.limits.owed.iter().map(|(&(target, _), owed)| (target, *owed))
    }

    /// Whether a use that another shard owed was given back here.
    pub(crate) fn was_given_back(&self, shard: u16, number: u64) -> bool {
        self.limits.received.get(&shard).is_some_and(|numbers| !numbers.is_new(number, 0))
    }

    /// What is owed next.
    pub(in crate::oracle) fn owed(&self, from: u16) -> Option<(u16, GiveBack)> {
        let (&(target, none_below), _) = self.limits.owed.range((from, 0)..).next()?;
        let uses = self.limits.owed.range((target, 0)..=(target, u64::MAX));
        let uses = uses.map(|(_, owed)| *owed).collect();
        Some((target, GiveBack { shard: self.limits.shard, none_below, uses }))
    }
}
