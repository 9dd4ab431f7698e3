//! A shard: the codes of a range of slots, and the rules by which they are judged.
//!
//! [`Shard`] is a value. It changes in [`Machine::apply`](crate::machine::Machine::apply) and
//! nowhere else; see `apply/` for what each command does and `judge.rs` for the one place that
//! decides whether a code may be redeemed. Slots are shared with snapshots until they are written
//! to, so that taking a snapshot costs a reference count a slot.

mod acknowledgement;
mod apply;
mod attempts;
mod balances;
mod bitmap;
mod change;
mod claims;
mod command;
mod digest_table;
mod encoding;
mod hold;
mod holds;
mod in_order;
mod judge;
mod life;
mod list;
mod listed_table;
mod owed;
mod pending;
mod query;
mod rebuilding;
mod record;
mod redemption;
mod rollback;
mod shares;
mod slot_state;
mod steps;
mod top_up;
mod undone;
mod users;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use acknowledgement::Acknowledgement;
pub use attempts::Fate;
pub use balances::Money;
pub use change::{Change, Changed};
pub use claims::{MAX_CLAIMS_AHEAD, MAX_PENDING_CLAIMS, UserStanding};
pub use command::Command;
pub use encoding::{Decoder, FORMAT_VERSION};
pub use hold::{
    Confirm, EndedHold, Hold, HoldPlaced, MAX_EXPIRED, Otherwise, PlaceHold, Placing, Release,
};
pub use list::{List, MAX_DIGESTS};
pub use owed::{MAX_GIVEN_BACK, OwedUse};
pub use pending::PendingClaim;
pub use query::{Due, Known, Query, Reply, Validated};
pub use rebuilding::{End, Mismatch, Rebuilder, Traces, UserTally};
pub use record::{Event, Record};
pub use redemption::{Redeem, Redemption, Spend, Spent};
pub use rollback::{Extent, RollBack, RolledBack};
pub use shares::{Share, ShareBook};
pub use slot_state::CodeState;
pub use steps::{Claim, ClaimUse, Forbid, GiveBack, Settle};
pub use top_up::{TopUp, ToppedUp};
pub use users::UserDigest;

use crate::campaign::CampaignView;
use crate::codes::{CampaignNumber, CodeKey, Serial};
use crate::identifier::HoldId;
use crate::invariant::Invariant;
use crate::progress::Progress;
use crate::rules::Rules;
use crate::slot::{ShardLayout, Slot};
use attempts::Attempts;
use balances::Balances;
use holds::{Expiries, Holds};
use life::Life;
use owed::Owed;
use pending::Claims;
use slot_state::SlotState;

/// What came of a shard's command.
pub type Outcome = crate::machine::Outcome<Shard>;

/// The state of one shard.
#[derive(Clone, Debug)]
pub struct Shard {
    layout: ShardLayout,
    shard: u16,
    progress: Progress<Record>,
    campaigns: BTreeMap<CampaignNumber, Campaign>,
    /// The campaigns that listed codes belong to, in the order of their first code here.
    owners: Vec<CampaignNumber>,
    slots: Vec<Arc<SlotState>>,
    expiries: Expiries,
    claims: Claims,
    attempts: Attempts,
    owed: Owed,
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
    /// What was lent to the shard of the campaign's total, where it has one.
    pub book: Option<ShareBook>,
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
    /// Uses that are held at present. They are counted again from the holds when a state is read.
    #[serde(skip)]
    pub held: u64,
}

/// A code as a shard finds it.
#[derive(Clone, Copy)]
struct Found<'a> {
    campaign: &'a Campaign,
    slot: &'a SlotState,
    state: CodeState,
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
            progress: Progress::default(),
            campaigns: BTreeMap::new(),
            owners: Vec::new(),
            slots: vec![empty; layout.slots_per_shard().into()],
            expiries: Expiries::default(),
            claims: Claims::new(layout),
            attempts: Attempts::default(),
            owed: Owed::default(),
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
        self.locate(code).map(|found| (found.campaign, found.state))
    }

    /// What is left of a code, in minor units; `None` where it is of no campaign with a balance.
    pub fn balance(&self, code: &CodeKey) -> Option<u64> {
        self.locate(code)?.balance(code)
    }

    /// The holds on a code, in the order of their placing.
    pub fn holds(&self, code: &CodeKey) -> impl Iterator<Item = &Hold> {
        let holds = self.locate(code).and_then(|found| found.holds());
        let code = *code;
        holds.into_iter().flat_map(move |holds| holds.on(code))
    }

    /// A hold that has not ended.
    pub fn hold(&self, id: HoldId) -> Option<&Hold> {
        self.slot_of(id.slot)?.life.as_ref()?.holds.get(id.number).filter(|hold| hold.id == id)
    }

    /// How much of a redemption of a code was undone, if anything: the one of an entry, which found
    /// the code at a generation.
    pub fn undone(&self, code: &CodeKey, generation: u32, number: u64) -> Option<Extent> {
        let found = self.locate(code)?;
        match &found.slot.life {
            Some(life) => life.undone.extent(code, found.state, generation, number),
            None => (generation < found.state.generation).then_some(Extent::Whole),
        }
    }

    fn locate(&self, code: &CodeKey) -> Option<Found<'_>> {
        let slot = self.slot_of(code.slot())?;
        match code {
            CodeKey::Sealed { campaign, serial } => {
                let campaign = self.campaigns.get(campaign)?;
                let issued = serial.number() < campaign.view.issued;
                let state = slot.sealed(campaign.view.number, serial.index_in_slot());
                issued.then_some(Found { campaign, slot, state })
            }
            CodeKey::Listed(digest) => {
                let (owner, state) = slot.listed(digest)?;
                let owner = self.owners.get(owner as usize)?;
                Some(Found { campaign: self.campaigns.get(owner)?, slot, state })
            }
        }
    }

    fn slot_place(&self, slot: Slot) -> Option<usize> {
        let slots = self.layout.slots_of(self.shard);
        let owned = slots.contains(&slot.number());
        Invariant::SlotBelongsToShard.check(owned);
        owned.then(|| usize::from(slot.number() - slots.start))
    }

    fn slot_of(&self, slot: Slot) -> Option<&SlotState> {
        self.slots.get(self.slot_place(slot)?).map(Arc::as_ref)
    }

    fn slot_mut(&mut self, slot: Slot) -> Option<&mut SlotState> {
        let place = self.slot_place(slot)?;
        self.slots.get_mut(place).map(Arc::make_mut)
    }

    /// Changes what a slot knows of its codes beyond their states.
    fn life_mut(&mut self, slot: Slot) -> Option<&mut Life> {
        self.slot_mut(slot).map(|slot| &mut **slot.life.get_or_insert_default())
    }

    /// Changes the holds of a slot.
    fn change_holds<T>(&mut self, slot: Slot, change: impl FnOnce(&mut Holds) -> T) -> Option<T> {
        let place = self.slot_place(slot)?;
        let life = Arc::make_mut(self.slots.get_mut(place)?).life.get_or_insert_default();
        Some(self.expiries.follow(place, &mut life.holds, change))
    }

    /// Finds again what follows from the holds: when the next one ends, and how many a campaign has.
    fn count_holds_again(&mut self) {
        self.expiries = Expiries::default();
        self.campaigns.values_mut().for_each(|campaign| campaign.counts.held = 0);
        for (place, slot) in self.slots.iter().enumerate() {
            let Some(life) = &slot.life else { continue };
            self.expiries.enter(place, &life.holds);
            for hold in life.holds.iter() {
                if let Some(campaign) = self.campaigns.get_mut(&hold.campaign) {
                    campaign.counts.held += 1;
                }
            }
        }
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

impl<'a> Found<'a> {
    /// What is left of the code; `None` where it is of no campaign with a balance.
    fn balance(&self, code: &CodeKey) -> Option<u64> {
        let rules = self.campaign.rules.as_ref()?;
        Balances::left(self.slot.life.as_ref().map(|life| &life.balances), code, rules)
    }

    fn holds(&self) -> Option<&'a Holds> {
        self.slot.life.as_ref().map(|life| &life.holds)
    }
}
