//! The properties that must hold whatever happens, by name.
//!
//! A violation panics in debug builds, so that tests and the simulator stop where it happens. In
//! release builds it is counted, and the count is a metric: a server that has already answered
//! must not die of an assertion, but somebody must be told.

use std::sync::atomic::{AtomicU64, Ordering};

/// A property of the state machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invariant {
    /// Entries are applied in the order of their numbers, without a gap.
    EntriesInOrder,
    /// The stamps of one sequence never run backwards.
    TimeNeverRunsBackwards,
    /// No code is redeemed more often than its campaign allows at that moment.
    UsesWithinLimit,
    /// A campaign never takes serials back.
    IssuedNeverShrinks,
    /// A code is known either by its bit or as an exception, never by both.
    OnePlaceForEveryCode,
    /// A shard is asked only about codes whose slot it owns.
    SlotBelongsToShard,
    /// Nothing is remembered from where everything is forgotten: the ledger cannot cover an entry
    /// that was not yet applied, and what is forgotten never becomes unforgotten.
    ForgottenOnlyGrows,
    /// Redemptions and holds of a code together are never more than its campaign allowed when the
    /// last of them came.
    HoldsWithinLimit,
    /// A use that is given back was taken before.
    OnlyTakenUsesReturn,
    /// A movement leaves a code with what it was worth, less or more exactly what was moved.
    MoneyIsBalanced,
    /// No user has more uses of a campaign than its limit when a claim on one more is made.
    ClaimsWithinLimit,
    /// A shard has no more uses of a campaign than were lent to it, when it takes one more.
    UsesWithinShare,
    /// What is lent to all shards of a campaign's total is no more than the total, when more is
    /// lent.
    LentWithinTotal,
}

impl Invariant {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::EntriesInOrder,
        Self::TimeNeverRunsBackwards,
        Self::UsesWithinLimit,
        Self::IssuedNeverShrinks,
        Self::OnePlaceForEveryCode,
        Self::SlotBelongsToShard,
        Self::ForgottenOnlyGrows,
        Self::HoldsWithinLimit,
        Self::OnlyTakenUsesReturn,
        Self::MoneyIsBalanced,
        Self::ClaimsWithinLimit,
        Self::UsesWithinShare,
        Self::LentWithinTotal,
    ];

    /// The name under which metrics and logs show it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EntriesInOrder => "entries_in_order",
            Self::TimeNeverRunsBackwards => "time_never_runs_backwards",
            Self::UsesWithinLimit => "uses_within_limit",
            Self::IssuedNeverShrinks => "issued_never_shrinks",
            Self::OnePlaceForEveryCode => "one_place_for_every_code",
            Self::SlotBelongsToShard => "slot_belongs_to_shard",
            Self::ForgottenOnlyGrows => "forgotten_only_grows",
            Self::HoldsWithinLimit => "holds_within_limit",
            Self::OnlyTakenUsesReturn => "only_taken_uses_return",
            Self::MoneyIsBalanced => "money_is_balanced",
            Self::ClaimsWithinLimit => "claims_within_limit",
            Self::UsesWithinShare => "uses_within_share",
            Self::LentWithinTotal => "lent_within_total",
        }
    }

    /// Says that the property should hold here.
    #[inline]
    pub fn check(self, holds: bool) {
        if !holds {
            self.violated();
        }
    }

    /// How often it was found violated since the process began.
    pub fn violations(self) -> u64 {
        VIOLATIONS[self as usize].load(Ordering::Relaxed)
    }

    #[cold]
    fn violated(self) {
        VIOLATIONS[self as usize].fetch_add(1, Ordering::Relaxed);
        debug_assert!(false, "the invariant {} is violated", self.name());
    }
}

static VIOLATIONS: [AtomicU64; Invariant::ALL.len()] =
    [const { AtomicU64::new(0) }; Invariant::ALL.len()];
