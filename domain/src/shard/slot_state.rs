//! What a shard knows of the codes in one slot.
//!
//! Most codes need a bit: redeemed once, or not. Everything else (revoked, used more than once,
//! made usable again) stands in a table of exceptions. A code is in one place or the other, never
//! in both, so that equal states have equal encodings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bitmap::Bitmap;
use super::life::Life;
use super::listed_table::{Listed, ListedTable};
use super::users::Users;
use crate::codes::{CampaignNumber, Digest};
use crate::invariant::Invariant;

/// What happened to a code so far. The default is that nothing did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeState {
    /// How often it is redeemed at present.
    pub uses: u64,
    /// How often a use was taken back. An undo names the generation that it expects, so that two
    /// undos in flight never free a code twice.
    pub generation: u32,
    /// Whether it is unusable until it is restored.
    pub revoked: bool,
}

impl CodeState {
    /// Whether a bit suffices to say it.
    fn is_plain(&self) -> bool {
        self.uses <= 1 && self.generation == 0 && !self.revoked
    }

    /// Whether a redemption of it was ever granted.
    pub fn was_ever_used(&self) -> bool {
        self.uses > 0 || self.generation > 0
    }

    fn plain(redeemed: bool) -> Self {
        Self { uses: u64::from(redeemed), ..Self::default() }
    }
}

/// The sealed codes of one campaign in a slot, by their dense index.
#[derive(Clone, Debug, Default)]
pub(super) struct SealedCodes {
    pub(super) redeemed: Bitmap,
    pub(super) exceptions: BTreeMap<u32, CodeState>,
}

impl SealedCodes {
    fn get(&self, index: u32) -> CodeState {
        match self.exceptions.get(&index) {
            Some(&state) => {
                Invariant::OnePlaceForEveryCode.check(!self.redeemed.contains(index));
                state
            }
            None => CodeState::plain(self.redeemed.contains(index)),
        }
    }

    /// Whether these codes are as if nothing had ever happened to any of them.
    pub(super) fn is_untouched(&self) -> bool {
        self.exceptions.is_empty() && self.redeemed.canonical_words().is_empty()
    }

    /// Whether every code is in the place where it belongs, as a snapshot must have it.
    pub(super) fn is_canonical(&self) -> bool {
        self.exceptions
            .iter()
            .all(|(&index, state)| !state.is_plain() && !self.redeemed.contains(index))
    }

    fn set(&mut self, index: u32, state: CodeState, expected: u32) {
        if state.is_plain() {
            self.exceptions.remove(&index);
            if state.uses == 1 {
                self.redeemed.insert(index, expected);
            } else {
                self.redeemed.remove(index);
            }
        } else {
            self.redeemed.remove(index);
            self.exceptions.insert(index, state);
        }
    }
}

/// All codes of one slot.
#[derive(Clone, Debug, Default)]
pub(super) struct SlotState {
    pub(super) sealed: BTreeMap<CampaignNumber, SealedCodes>,
    pub(super) listed: ListedTable,
    pub(super) listed_exceptions: BTreeMap<Digest, CodeState>,
    /// What few slots have: holds, balances, rollbacks.
    pub(super) life: Option<Box<Life>>,
    /// How often users have redeemed whose slot this is.
    pub(super) users: Users,
}

impl SlotState {
    /// The state of a sealed code, issued or not.
    pub(super) fn sealed(&self, campaign: CampaignNumber, index: u32) -> CodeState {
        self.sealed.get(&campaign).map_or_else(CodeState::default, |codes| codes.get(index))
    }

    /// Changes the state of a sealed code. `expected` is how many codes of the campaign the slot
    /// has.
    pub(super) fn set_sealed(
        &mut self,
        campaign: CampaignNumber,
        index: u32,
        state: CodeState,
        expected: u32,
    ) {
        self.sealed.entry(campaign).or_default().set(index, state, expected);
    }

    /// The owner and the state of a listed code that exists.
    pub(super) fn listed(&self, digest: &Digest) -> Option<(u32, CodeState)> {
        let listed = self.listed.get(digest)?;
        let state = if listed.exceptional {
            self.listed_exceptions.get(digest).copied().unwrap_or_default()
        } else {
            CodeState::plain(listed.redeemed)
        };
        Some((listed.owner, state))
    }

    /// Changes the state of a listed code that exists.
    pub(super) fn set_listed(&mut self, digest: &Digest, state: CodeState) {
        let Some(listed) = self.listed.get(digest) else { return };
        let plain = state.is_plain();
        if plain {
            self.listed_exceptions.remove(digest);
        } else {
            self.listed_exceptions.insert(*digest, state);
        }
        let redeemed = plain && state.uses == 1;
        self.listed.set(digest, Listed { redeemed, exceptional: !plain, ..listed });
    }

    /// Whether the exceptions are exactly the codes that the table calls exceptional.
    pub(super) fn listed_exceptions_are_canonical(&self) -> bool {
        let marked = self.listed.iter().filter(|(_, listed)| listed.exceptional);
        marked.map(|(digest, _)| digest).eq(self.listed_exceptions.keys().copied())
            && self.listed_exceptions.values().all(|state| !state.is_plain())
    }

    /// Adds a code to a campaign; whether it was new.
    pub(super) fn list(&mut self, digest: Digest, owner: u32) -> bool {
        self.listed.insert(digest, Listed { owner, redeemed: false, exceptional: false })
    }
}
