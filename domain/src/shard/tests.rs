//! The invariants that no entry can break, only a mistake in the shard itself: its own state is
//! damaged here. Everything else is tested through the public interface, in `domain/tests`.

use std::panic::catch_unwind;

use super::slot_state::{CodeState, SealedCodes};
use crate::invariant::Invariant;

#[test]
#[cfg_attr(debug_assertions, should_panic(expected = "one_place_for_every_code"))]
fn a_code_in_two_places_is_noticed() {
    let mut codes = SealedCodes::default();
    codes.redeemed.insert(3, 4);
    codes.exceptions.insert(3, CodeState { uses: 2, ..CodeState::default() });
    assert!(!codes.is_canonical(), "a snapshot of it would be refused");
    let mut slot = super::SlotState::default();
    slot.sealed.insert(crate::codes::CampaignNumber(1), codes);
    slot.sealed(crate::codes::CampaignNumber(1), 3);
}

#[test]
fn every_invariant_stops_a_debug_build_and_is_counted() {
    for invariant in Invariant::ALL {
        let before = invariant.violations();
        invariant.check(true);
        assert_eq!(catch_unwind(|| invariant.check(false)).is_err(), cfg!(debug_assertions));
        assert!(invariant.violations() > before, "{invariant:?}");
    }
}
