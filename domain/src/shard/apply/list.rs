//! Bringing listed codes in.

use crate::codes::CampaignNumber;
use crate::progress::Stamp;
use crate::refusal::Refusal;
use crate::shard::listed_table::MAX_OWNERS;
use crate::shard::{Event, List, Outcome, Shard};

impl Shard {
    pub(super) fn list(&mut self, stamp: Stamp, list: List) -> Outcome {
        if !self.campaigns.contains_key(&list.campaign) {
            return Outcome::Refused(Refusal::InvalidCode);
        }
        let Some(owner) = self.owner(list.campaign) else {
            return Outcome::Refused(Refusal::InvalidCode);
        };
        let mut added = Vec::with_capacity(list.digests.len());
        let mut duplicates = Vec::new();
        for (place, digest) in list.digests.into_iter().enumerate() {
            let new = self.slot_mut(digest.slot()).is_some_and(|slot| slot.list(digest, owner));
            if new {
                added.push(digest);
            } else {
                duplicates.push(u16::try_from(place).unwrap_or(u16::MAX));
            }
        }
        let count = added.len() as u64;
        self.count(list.campaign, |counts| counts.listed += count);
        let event = Event::Listed { campaign: list.campaign, digests: added, duplicates };
        stamp.done(list.api_key, None, event)
    }

    /// The number under which the slots know a campaign of listed codes; `None` when a shard has
    /// more such campaigns than it can number, which is over sixteen million.
    fn owner(&mut self, campaign: CampaignNumber) -> Option<u32> {
        let place = match self.owners.iter().rposition(|&owner| owner == campaign) {
            Some(place) => place,
            None if self.owners.len() < MAX_OWNERS => {
                self.owners.push(campaign);
                self.owners.len() - 1
            }
            None => return None,
        };
        u32::try_from(place).ok()
    }
}
