//! A shard that comes back from nothing but its records, after random histories of the whole life of
//! codes: its state is the one that was lost, and life goes on from there beside the naive model.

use std::sync::Arc;

use proptest::prelude::*;
use redeemd_domain::campaign::{History, Terms};
use redeemd_domain::machine::{Machine as _, Outcome};
use redeemd_domain::shard::{Command, End, Event, Mismatch, Rebuilder, Record, Shard};

use crate::harness::{Harness, LAYOUT, SHARD, sections};
use crate::life_history::{PLAIN, Step, history};
use crate::life_properties::{live, take};

/// What the shard was told of campaigns, as the control sequence's records say it.
fn told(harness: &Harness<Shard>) -> Arc<History> {
    let mut history = History::default();
    for entry in &harness.entries {
        match &entry.command {
            Command::PutCampaign(view) => {
                history.add_terms(Terms { view: *view, rules: None });
            }
            Command::PutRules { view, rules } => {
                history.add_terms(Terms { view: *view, rules: Some(Arc::clone(rules)) });
            }
            _ => {}
        }
    }
    history.into()
}

fn records(harness: &Harness<Shard>) -> Vec<Record> {
    let done = |outcome: &Outcome<Shard>| match outcome {
        Outcome::Done(record) => Some(Record::clone(record)),
        _ => None,
    };
    harness.outcomes.iter().filter_map(done).collect()
}

/// Brings the shard back from records up to its last entry; says at which it fails.
fn rebuild(
    history: Arc<History>,
    records: &[Record],
    through: u64,
) -> Result<Shard, (u64, Mismatch)> {
    let mut rebuilder = Rebuilder::new(LAYOUT, SHARD, history);
    for record in records {
        let former = |number| records.iter().find(|it| it.number == number).cloned();
        rebuilder.take(record, former).map_err(|mismatch| (record.number, mismatch))?;
    }
    Ok(rebuilder.finish(End { through, all: &[] }, []))
}

/// The ledger has everything, and the shard is brought back from it.
fn lose(harness: &mut Harness<Shard>) -> Shard {
    harness.apply(Command::Advance);
    let through = harness.machine.last();
    let rebuilt = rebuild(told(harness), &records(harness), through).unwrap();
    assert_eq!(rebuilt.last(), through);
    assert_eq!(rebuilt.forgotten(), through, "what was answered is in the ledger");
    harness.covered = through;
    rebuilt
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_state_that_comes_back_is_the_one_that_was_lost(steps in history()) {
        let (mut harness, _) = live(&steps);
        let mut rebuilt = lose(&mut harness);
        harness.apply(Command::Advance);
        rebuilt.apply(harness.entries.last().unwrap().clone());
        prop_assert!(sections(&rebuilt) == sections(&harness.machine));
    }

    #[test]
    fn life_goes_on_from_what_came_back(steps in history(), share in 0..100usize) {
        let (before, after): (&[Step], &[Step]) = steps.split_at(2 + (steps.len() - 2) * share / 100);
        let (mut harness, mut model) = live(before);
        harness.machine = lose(&mut harness);
        for step in after {
            take(step, &mut harness, &mut model);
            model.check(&harness.machine);
        }
    }

    #[test]
    fn a_record_that_is_missing_or_changed_is_noticed_or_changes_what_comes_back(
        steps in history(), which in any::<prop::sample::Index>(), is_missing in any::<bool>(),
    ) {
        let (harness, _) = live(&steps);
        let (history, through) = (told(&harness), harness.machine.last());
        let genuine = records(&harness);
        let whole = rebuild(Arc::clone(&history), &genuine, through).unwrap();
        let mut damaged = genuine.clone();
        let place = which.index(damaged.len());
        let number = damaged[place].number;
        if is_missing {
            damaged.remove(place);
        } else if let Event::Redeemed(redemption) = &mut damaged[place].event {
            redemption.generation += 1;
        } else {
            damaged[place].request = None;
            damaged[place].at.0 += 1_000_000;
        }
        match rebuild(history, &damaged, through) {
            Err((found, _)) => prop_assert!(found >= number, "{found} is blamed for {number}"),
            Ok(other) => {
                let is_other = sections(&other) != sections(&whole);
                // To prolong a hold that is over by now leaves nothing behind.
                prop_assert!(is_other || !matches!(genuine[place].event, Event::Redeemed(_)));
            }
        }
    }
}

#[test]
fn what_cannot_have_happened_is_said() {
    use redeemd_domain::campaign::{Revision, Status};
    use redeemd_domain::codes::CampaignNumber;
    use redeemd_domain::identifier::ApiKeyNumber;
    use redeemd_domain::shard::Redeem;

    use crate::life_history::{sealed, view_of};

    let mut harness = Harness::<Shard>::new();
    harness.apply(Command::PutCampaign(view_of(PLAIN, 1, Some(1), Status::Active)));
    let redeem = |code, user: &str| {
        let (user, api_key) = (user.into(), ApiKeyNumber(1));
        Command::Redeem(Redeem { code, user, metadata: None, api_key, request: None })
    };
    harness.apply(redeem(sealed(PLAIN, 0), "ada"));
    harness.apply(redeem(sealed(PLAIN, 1), "bob"));
    let (history, genuine) = (told(&harness), records(&harness));
    let change = |change: &dyn Fn(&mut Vec<Record>)| {
        let mut records = genuine.clone();
        change(&mut records);
        rebuild(Arc::clone(&history), &records, 3).map(drop)
    };
    let redemption = |record: &mut Record, change: fn(&mut redeemd_domain::shard::Redemption)| {
        let Event::Redeemed(redemption) = &mut record.event else { panic!("{record:?}") };
        change(redemption);
    };
    assert_eq!(change(&|_| {}), Ok(()));
    assert_eq!(change(&|records| records.swap(0, 1)), Err((2, Mismatch::OutOfOrder)));
    let twice = change(&|records| redemption(&mut records[1], |it| it.code = sealed(PLAIN, 0)));
    assert_eq!(twice, Err((3, Mismatch::NotRepeated)));
    let more = change(&|records| redemption(&mut records[0], |it| it.uses_left = Some(7)));
    assert_eq!(more, Err((2, Mismatch::NotRepeated)));
    let later = change(&|records| redemption(&mut records[0], |it| it.revision = Revision(2)));
    assert_eq!(later, Err((2, Mismatch::UnknownCampaign)));
    let other =
        change(&|records| redemption(&mut records[0], |it| it.campaign = CampaignNumber(9)));
    assert_eq!(other, Err((2, Mismatch::UnknownCampaign)));
}
