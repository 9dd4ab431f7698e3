//! What can happen in a shard. A stored format: a variant's place and its fields never change. A
//! changed meaning is a new variant at the end.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::change::Changed;
use super::hold::{EndedHold, HoldPlaced};
use super::redemption::{Redemption, Spent};
use super::rollback::{Extent, RolledBack};
use super::steps::Claim;
use super::top_up::ToppedUp;
use crate::codes::{CampaignNumber, CodeKey, Digest};
use crate::identifier::RedemptionId;
use crate::slot::Slot;

/// Something that happened in a shard.
pub type Record = crate::record::Record<Event>;

/// What can happen in a shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A code was redeemed.
    Redeemed(Redemption),
    /// A code was revoked.
    Revoked(Changed),
    /// A revoked code was restored.
    Restored(Changed),
    /// Codes were listed.
    Listed {
        /// The campaign.
        campaign: CampaignNumber,
        /// Those that were new.
        digests: Vec<Digest>,
        /// Where in the command the others stood, which were there already.
        duplicates: Vec<u16>,
    },
    /// A code of a campaign with rules was redeemed.
    Spent(Box<Spent>),
    /// A redemption was rolled back, wholly or in part.
    RolledBack(Box<RolledBack>),
    /// A hold was placed or prolonged.
    HoldPlaced(Box<HoldPlaced>),
    /// A hold was given up.
    HoldReleased(Box<EndedHold>),
    /// Holds expired.
    HoldsExpired(Vec<EndedHold>),
    /// A code was made worth more.
    ToppedUp(ToppedUp),
}

impl Record {
    /// The claim that was used up by what happened, or is kept by it.
    pub fn claim(&self) -> Option<Claim> {
        match &self.event {
            Event::Spent(spent) => spent.claim,
            Event::HoldPlaced(placed) => placed.hold.claim,
            _ => None,
        }
    }

    /// Hands every code that this is about to `visit`, each once. Listed codes are many, and have no
    /// past.
    pub fn codes(&self, visit: &mut dyn FnMut(CodeKey)) {
        match &self.event {
            Event::Redeemed(redemption) => visit(redemption.code),
            Event::Revoked(changed) | Event::Restored(changed) => visit(changed.code),
            Event::Spent(spent) => visit(spent.redemption.code),
            Event::RolledBack(rolled_back) => visit(rolled_back.code),
            Event::HoldPlaced(placed) => visit(placed.hold.code),
            Event::HoldReleased(ended) => visit(ended.code),
            Event::HoldsExpired(ended) => {
                // Several holds on one code may expire at once, and the code is one.
                let codes: BTreeSet<CodeKey> = ended.iter().map(|ended| ended.code).collect();
                codes.into_iter().for_each(visit);
            }
            Event::ToppedUp(topped_up) => visit(topped_up.code),
            Event::Listed { .. } => {}
        }
    }

    /// What this ended, by its slot and the number of the entry that began it: a redemption that was
    /// rolled back as a whole, or a hold that was confirmed or given up. Holds that expire end many
    /// at a time, and are found by their codes alone.
    pub fn ended(&self) -> Option<(Slot, u64)> {
        match &self.event {
            Event::RolledBack(it) if it.extent == Extent::Whole => {
                Some((it.redemption.slot, it.redemption.number))
            }
            Event::HoldReleased(ended) => Some((ended.id.slot, ended.id.number)),
            Event::Spent(spent) => Some((spent.redemption.code.slot(), spent.hold?)),
            _ => None,
        }
    }

    /// The redemption and its identifier, where this is one.
    pub fn redemption(&self) -> Option<(RedemptionId, &Redemption)> {
        let redemption = match &self.event {
            Event::Redeemed(redemption) => redemption,
            Event::Spent(spent) => &spent.redemption,
            Event::Revoked(_)
            | Event::Restored(_)
            | Event::Listed { .. }
            | Event::RolledBack(_)
            | Event::HoldPlaced(_)
            | Event::HoldReleased(_)
            | Event::HoldsExpired(_)
            | Event::ToppedUp(_) => return None,
        };
        let slot = redemption.code.slot();
        Some((RedemptionId { at: self.at, slot, number: self.number }, redemption))
    }
}
