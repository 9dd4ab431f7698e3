//! Every violation of an invariant that entries could cause stops a debug build. The two that only
//! a mistake in the shard itself could cause are tested beside it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use redeemd_domain::campaign::{CampaignView, Revision, Status, Window};
use redeemd_domain::codes::CampaignNumber;
use redeemd_domain::control::{self, Control};
use redeemd_domain::entry::Entry;
use redeemd_domain::identifier::{ApiKeyNumber, RedemptionId};
use redeemd_domain::invariant::Invariant;
use redeemd_domain::machine::Machine;
use redeemd_domain::shard::{Command, RollBack, Shard};
use redeemd_domain::timestamp::Timestamp;

use crate::harness::{Harness, Subject};
use crate::shard_history::{Deed, command};

/// Applies an entry that breaks an invariant, and says whether that was noticed.
fn assert_noticed<M: Machine>(invariant: Invariant, mut machine: M, entry: Entry<M::Command>) {
    let before = invariant.violations();
    let panic = catch_unwind(AssertUnwindSafe(|| machine.apply(entry))).err();
    assert!(invariant.violations() > before, "{invariant:?} was not counted");
    if cfg!(debug_assertions) {
        let panic = panic.expect("a debug build stops");
        let said = panic.downcast_ref::<String>().expect("a message");
        assert!(said.contains(invariant.name()), "{said}");
    } else {
        assert!(panic.is_none(), "a release build goes on");
    }
}

fn view(revision: u32, issued: u64) -> Command {
    Command::PutCampaign(CampaignView {
        number: CampaignNumber(1),
        revision: Revision(revision),
        status: Status::Active,
        window: Window::default(),
        uses_per_code: Some(1),
        issued,
    })
}

fn entry<C>(number: u64, at: u64, covered: u64, command: C) -> Entry<C> {
    Entry { number, at: Timestamp(at), covered, command }
}

#[test]
fn entries_out_of_order_are_noticed() {
    let in_order = Invariant::EntriesInOrder;
    assert_noticed(in_order, Shard::fresh(), entry(2, 0, 0, Command::Advance));
    assert_noticed(in_order, Control::new(), entry(2, 0, 0, control::Command::Advance));
    let mut shard = Shard::fresh();
    shard.apply(entry(1, 0, 0, Command::Advance));
    assert_noticed(in_order, shard, entry(1, 0, 0, Command::Advance));
}

#[test]
fn time_that_runs_backwards_is_noticed() {
    let mut shard = Shard::fresh();
    shard.apply(entry(1, 10, 0, Command::Advance));
    assert_noticed(Invariant::TimeNeverRunsBackwards, shard, entry(2, 9, 0, Command::Advance));
    let mut control = Control::new();
    let advance = control::Command::Advance;
    control.apply(entry(1, 10, 0, advance.clone()));
    assert_noticed(Invariant::TimeNeverRunsBackwards, control, entry(2, 9, 0, advance));
}

#[test]
fn serials_that_are_taken_back_are_noticed() {
    let mut shard = Shard::fresh();
    shard.apply(entry(1, 0, 0, view(1, 100)));
    assert_noticed(Invariant::IssuedNeverShrinks, shard, entry(2, 0, 0, view(2, 99)));
}

#[test]
fn a_code_of_another_shard_is_noticed() {
    let code = redeemd_domain::codes::CodeKey::Sealed {
        campaign: CampaignNumber(1),
        serial: redeemd_domain::codes::Serial::new(0).unwrap(),
    };
    let wish = command(Deed::Redeem, code, None);
    assert_noticed(Invariant::SlotBelongsToShard, Shard::fresh(), entry(1, 0, 0, wish));
}

#[test]
fn a_record_that_would_be_remembered_from_where_all_is_forgotten_is_noticed() {
    let campaign = CampaignNumber(384);
    let serial = redeemd_domain::codes::Serial::new(0).unwrap();
    let code = redeemd_domain::codes::CodeKey::Sealed { campaign, serial };
    let mut harness = Harness::<Shard>::new();
    let rules = CampaignView {
        number: campaign,
        revision: Revision(1),
        status: Status::Active,
        window: Window::default(),
        uses_per_code: Some(1),
        issued: 1,
    };
    harness.apply(Command::PutCampaign(rules));
    let wish = entry(2, harness.now, 2, command(Deed::Redeem, code, Some((1, 1))));
    assert_noticed(Invariant::ForgottenOnlyGrows, harness.machine, wish);
}

#[test]
fn a_use_that_nobody_took_and_is_given_back_is_noticed() {
    let code = redeemd_domain::codes::CodeKey::Sealed {
        campaign: CampaignNumber(384),
        serial: redeemd_domain::codes::Serial::new(0).unwrap(),
    };
    let mut harness = Harness::<Shard>::new();
    let Command::PutCampaign(rules) = view(1, 1) else { unreachable!("it puts a campaign") };
    harness.apply(Command::PutCampaign(CampaignView { number: CampaignNumber(384), ..rules }));
    let redemption = RedemptionId { at: Timestamp(1_000), slot: code.slot(), number: 1 };
    let roll_back = Command::RollBack(Box::new(RollBack {
        redemption,
        code,
        user: "ada".into(),
        generation: 0,
        claim: None,
        spent: None,
        amount: None,
        max_age_ms: 1,
        reason: "because".into(),
        api_key: ApiKeyNumber(1),
        request: None,
    }));
    let entry = entry(2, harness.now, 0, roll_back);
    assert_noticed(Invariant::OnlyTakenUsesReturn, harness.machine, entry);
}
