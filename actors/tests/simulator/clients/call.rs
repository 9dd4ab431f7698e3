//! One call of a client: a wish, and how far it has come.

use redeemd_domain::shard::Claim;

use super::steps::Next;
use super::wish::Wish;

/// A wish on its way to being answered.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) wish: Wish,
    /// Up to where the ledger was searched in vain.
    pub(super) searched: u64,
    pub(super) searches: u32,
    /// What it needs before its code's shard is asked again.
    pub(super) next: Option<Next>,
    /// Whether its first claim is made before its code's shard was asked.
    pub(super) claims_unasked: bool,
    /// The claim that it goes with.
    pub(super) claim: Option<Claim>,
    /// How many steps it took.
    pub(super) steps: u32,
}

impl Call {
    /// The call as somebody makes it again who does not know what became of it: only with a key.
    pub(super) fn again(self) -> Option<Self> {
        let Self { wish, .. } = self;
        wish.has_key().then(|| Self::new(wish))
    }

    pub(super) fn new(wish: Wish) -> Self {
        Self {
            wish,
            searched: 0,
            searches: 0,
            next: None,
            claims_unasked: false,
            claim: None,
            steps: 0,
        }
    }
}
