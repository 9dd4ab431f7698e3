//! A shard: the codes of a range of slots, and the rules by which they are judged.
//!
//! [`Shard`] is a value. It changes in [`Machine::apply`](crate::machine::Machine::apply) and
//! nowhere else; see `apply/` for what each command does and `judge.rs` for the one place that
//! decides whether a code may be redeemed. Slots are shared with snapshots until they are written
//! to, so that taking a snapshot costs a reference count a slot.

mod acknowledgement;
mod apply;
mod bitmap;
mod command;
mod encoding;
mod judge;
mod listed_table;
mod query;
mod slot_state;
mod wire;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use acknowledgement::Acknowledgement;
pub use command::{
    Change, Changed, Claim, Command, Event, List, MAX_DIGESTS, Money, Record, Redeem, Redemption,
    Spend, Spent,
};
pub use encoding::{Decoder, FORMAT_VERSION};
pub use query::{Query, Reply, Validated};
pub use slot_state::CodeState;

use crate::campaign::CampaignView;
use crate::codes::{CampaignNumber, CodeKey, Serial};
use crate::invariant::Invariant;
use crate::recent::Recent;
use crate::rules::Rules;
use crate::slot::{ShardLayout, Slot};
use crate::timestamp::Timestamp;
use slot_state::SlotState;

/// What came of a shard's command.
pub type Outcome = crate::machine::Outcome<Shard>;

/// The state of one shard.
#[derive(Clone, Debug)]
pub struct Shard {
    layout: ShardLayout,
    shard: u16,
    last: u64,
    time: Timestamp,
    campaigns: BTreeMap<CampaignNumber, Campaign>,
    /// The campaigns that listed codes belong to, in the order of their first code here.
    owners: Vec<CampaignNumber>,
    slots: Vec<Arc<SlotState>>,
    recent: Recent<Record>,
}

/// What a shard knows of a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campaign {
    /// What every campaign has.
    pub view: CampaignView,
    /// Its rules beyond that, if it has or ever had any.
    pub rules: Option<Arc<Rules>>,
    /// What happened to its codes here.
    pub counts: Counts,
}

/// How many of a campaign's codes in a shard are in which state, at the shard's last entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    /// Uses, those of codes with several uses counted each.
    pub redeemed: u64,
    /// Codes that are revoked at present.
    pub revoked: u64,
    /// Codes that were brought in.
    pub listed: u64,
}

impl Shard {
    /// The shard before its first entry.
    ///
    /// # Panics
    /// When the layout has no such shard.
    pub fn new(layout: ShardLayout, shard: u16) -> Self {
        assert!(shard < layout.shards(), "the layout has {} shards", layout.shards());
        let empty = Arc::new(SlotState::default());
        Self {
            layout,
            shard,
            last: 0,
            time: Timestamp::default(),
            campaigns: BTreeMap::new(),
            owners: Vec::new(),
            slots: vec![empty; layout.slots_per_shard().into()],
            recent: Recent::default(),
        }
    }

    /// Which shard this is.
    pub fn number(&self) -> u16 {
        self.shard
    }

    /// The layout that it is part of.
    pub fn layout(&self) -> ShardLayout {
        self.layout
    }

    /// What it knows of a campaign.
    pub fn campaign(&self, number: CampaignNumber) -> Option<&Campaign> {
        self.campaigns.get(&number)
    }

    /// The campaigns that it knows, in the order of their numbers.
    pub fn campaigns(&self) -> impl Iterator<Item = &Campaign> {
        self.campaigns.values()
    }

    /// A code's campaign and state, if the code exists.
    pub fn find(&self, code: &CodeKey) -> Option<(&Campaign, CodeState)> {
        let slot = self.slots.get(self.slot_place(code.slot())?)?;
        match code {
            CodeKey::Sealed { campaign, serial } => {
                let campaign = self.campaigns.get(campaign)?;
                let issued = serial.number() < campaign.view.issued;
                let state = slot.sealed(campaign.view.number, serial.index_in_slot());
                issued.then_some((campaign, state))
            }
            CodeKey::Listed(digest) => {
                let (owner, state) = slot.listed(digest)?;
                let owner = self.owners.get(owner as usize)?;
                Some((self.campaigns.get(owner)?, state))
            }
        }
    }

    fn slot_place(&self, slot: Slot) -> Option<usize> {
        let slots = self.layout.slots_of(self.shard);
        let owned = slots.contains(&slot.number());
        Invariant::SlotBelongsToShard.check(owned);
        owned.then(|| usize::from(slot.number() - slots.start))
    }

    fn slot_mut(&mut self, slot: Slot) -> Option<&mut SlotState> {
        let place = self.slot_place(slot)?;
        self.slots.get_mut(place).map(Arc::make_mut)
    }

    fn set_state(&mut self, code: &CodeKey, issued: u64, state: CodeState) {
        let Some(slot) = self.slot_mut(code.slot()) else { return };
        match code {
            CodeKey::Sealed { campaign, serial } => {
                // One more than the even share, since the first slots get the remainder.
                let expected =
                    u32::try_from(issued.div_ceil(Serial::COUNT / Serial::COUNT_PER_SLOT));
                let expected = expected.unwrap_or(u32::MAX);
                slot.set_sealed(*campaign, serial.index_in_slot(), state, expected);
            }
            CodeKey::Listed(digest) => slot.set_listed(digest, state),
        }
    }
}
