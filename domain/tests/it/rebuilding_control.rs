//! The control sequence that comes back from its records and what they withhold.

use proptest::prelude::*;
use redeemd_domain::control::{Command, Control, Event, Mismatch, Rebuilder, Record, Withheld};
use redeemd_domain::machine::{Machine as _, Outcome};

use crate::control_history::history;
use crate::control_properties::live;
use crate::fixtures::assert_fixture;
use crate::harness::{Harness, sections};

fn records(harness: &Harness<Control>) -> Vec<Record> {
    let done = |outcome: &Outcome<Control>| match outcome {
        Outcome::Done(record) => Some(Record::clone(record)),
        _ => None,
    };
    harness.outcomes.iter().filter_map(done).collect()
}

fn withheld(control: &Control, event: &Event) -> Option<Withheld> {
    let withheld = control.withheld(event);
    assert_eq!(withheld.is_some(), event.withholds());
    withheld
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_state_that_comes_back_is_the_one_that_was_lost(steps in history()) {
        let mut harness = live(&steps);
        harness.apply(Command::Advance);
        let mut rebuilder = Rebuilder::new();
        for record in records(&harness) {
            rebuilder.take(&record, withheld(&harness.machine, &record.event)).unwrap();
        }
        harness.covered = harness.machine.last();
        let (mut rebuilt, told) = rebuilder.finish(harness.covered);
        harness.apply(Command::Advance);
        rebuilt.apply(harness.entries.last().unwrap().clone());
        prop_assert!(sections(&rebuilt) == sections(&harness.machine));
        prop_assert!(told.latest().cloned().eq(rebuilt.campaigns().map(|it| it.terms())));
    }

    #[test]
    fn what_is_missing_is_noticed(steps in history(), which in any::<prop::sample::Index>()) {
        let harness = live(&steps);
        let genuine = records(&harness);
        prop_assume!(!genuine.is_empty());
        let place = which.index(genuine.len());
        let missing = &genuine[place];
        let mut rebuilder = Rebuilder::new();
        let mut found = Ok(());
        for record in genuine.iter().filter(|record| record.number != missing.number) {
            let kept = withheld(&harness.machine, &record.event);
            found = found.and_then(|()| rebuilder.take(record, kept));
        }
        let is_followed = |campaign: &redeemd_domain::campaign::Campaign| {
            let later = genuine[place + 1..].iter().filter_map(Record::campaign);
            later.into_iter().any(|later| later.id == campaign.id)
        };
        if missing.campaign().is_some_and(is_followed) {
            prop_assert_eq!(found, Err(Mismatch::NotRepeated));
        }
    }
}

#[test]
fn what_was_not_kept_is_said() {
    let steps = [crate::control_history::Step::Pass(1)];
    let mut harness = live(&steps);
    let key = redeemd_domain::control::NewApiKey {
        digest: [7; 32],
        role: redeemd_domain::control::Role::Admin,
        name: "admin".into(),
    };
    let Outcome::Done(record) = harness.apply(Command::AddApiKey(key)) else { panic!() };
    let kept = withheld(&harness.machine, &record.event);
    assert_eq!(kept, Some(Withheld::ApiKey([7; 32])));
    assert_eq!(Rebuilder::new().take(&record, kept), Ok(()));
    assert_eq!(Rebuilder::new().take(&record, None), Err(Mismatch::NothingKept));
    let mut twice = Rebuilder::new();
    twice.take(&record, Some(Withheld::ApiKey([7; 32]))).unwrap();
    assert_eq!(twice.take(&record, None), Err(Mismatch::OutOfOrder));
}

#[test]
fn fixture_of_what_records_withhold() {
    use redeemd_domain::control::{Purpose, Secret, SecretName};

    let name = SecretName { purpose: Purpose::Pepper, number: 2 };
    let kept = [
        Withheld::Secret(Secret { name, enciphered: (0..40).collect() }),
        Withheld::ApiKey([0xAB; 32]),
    ];
    let written = kept.iter().map(|withheld| {
        let mut bytes = Vec::new();
        redeemd_domain::append(withheld, &mut bytes).unwrap();
        bytes
    });
    let comment = "What records of the control sequence withhold: a secret, and an API key.";
    let items = assert_fixture("control-withheld-1.hex", comment, &written.collect::<Vec<_>>());
    let read = items.iter().map(|bytes| redeemd_domain::decode::<Withheld>(bytes).unwrap());
    assert!(read.eq(kept));
}
