//! What the projector decides, driven by hand.

use std::collections::BTreeMap;
use std::time::Duration;

use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_persistence::journal::DirectoryId;
use redeemd_persistence::postgres::{Checkpoint, Kind};

use crate::projector::breaker::State;
use crate::projector::core::{Core, Limits};
use crate::projector::step::{Order, Retry, Step};

const SECOND: Duration = Duration::from_secs(1);
const CONTROL: SequenceId = SequenceId::CONTROL;
const SHARD: SequenceId = SequenceId::shard(0);

fn genesis() -> BTreeMap<SequenceId, Checkpoint> {
    let genesis = |sequence| (sequence, Checkpoint::genesis(DirectoryId([1; 16]), sequence));
    [CONTROL, SHARD].map(genesis).into()
}

fn core() -> Core {
    let limits = Limits {
        batch_rows: 10_000,
        batches_at_once: 2,
        longest_batch: SECOND * 15,
        interval: SECOND / 2,
        longest_delay: SECOND * 30,
    };
    Core::new(limits, &genesis())
}

/// One that knows where its database is.
fn surveyed() -> Core {
    let mut core = core();
    assert_eq!(core.next(SECOND), Step::Survey);
    core.surveyed(&genesis(), 0);
    core
}

fn order(core: &mut Core, now: Duration) -> Order {
    loop {
        match core.next(now) {
            Step::Write(order) => return order,
            Step::LookAside => core.looked_aside(None),
            other => panic!("{other:?}"),
        }
    }
}

/// The end of an order that was carried out as a whole.
fn end(order: &Order) -> Checkpoint {
    let through = order.through.min(order.from.through + order.limit as u64);
    Checkpoint { through, chain: order.from.chain.followed_by(through, b"") }
}

#[test]
fn nothing_is_written_before_it_is_known_how_far_the_database_is() {
    let mut core = core();
    core.available(SHARD, 10);
    assert_eq!(core.next(SECOND), Step::Survey);
    assert!(matches!(core.next(SECOND), Step::Wait(_)), "it is being looked at");
    core.surveyed(&genesis(), 0);
    assert_eq!(order(&mut core, SECOND).sequence, SHARD);
}

#[test]
fn sequences_take_turns_and_none_is_written_twice_at_once() {
    let mut core = surveyed();
    core.available(CONTROL, 100_000);
    core.available(SHARD, 100_000);
    let first = order(&mut core, SECOND);
    let second = order(&mut core, SECOND);
    assert_eq!((first.sequence, second.sequence), (CONTROL, SHARD));
    assert!(matches!(core.next(SECOND), Step::Wait(_)), "as many as may be are under way");
    core.written(&first, end(&first), first.limit, SECOND / 100);
    let third = order(&mut core, SECOND);
    assert_eq!((third.sequence, third.from), (CONTROL, end(&first)));
    assert!(third.limit > first.limit, "it was quick, so the next one is larger");
    assert_eq!(core.backlog(), 200_000 - first.limit as u64);
}

#[test]
fn one_that_has_much_to_write_keeps_no_other_waiting() {
    let mut core = surveyed();
    core.available(CONTROL, 100_000);
    core.available(SHARD, 100_000);
    // One after the other, as where there is one connection.
    let turns = [(); 4].map(|()| {
        let order = order(&mut core, SECOND);
        core.written(&order, end(&order), order.limit, SECOND / 100);
        order.sequence
    });
    assert_eq!(turns, [CONTROL, SHARD, CONTROL, SHARD]);
}

#[test]
fn little_waits_for_more_and_much_does_not() {
    let mut core = surveyed();
    core.available(SHARD, 1);
    let one = order(&mut core, SECOND);
    core.written(&one, end(&one), 1, SECOND / 100);
    core.available(SHARD, 2);
    assert_eq!(core.next(SECOND + SECOND / 10), Step::Wait(SECOND * 4 / 10));
    core.available(SHARD, 5_000);
    assert_eq!(order(&mut core, SECOND + SECOND / 10).from, end(&one));
}

#[test]
fn a_sequence_is_written_up_to_its_bound_and_the_rest_waits() {
    let mut core = surveyed();
    core.available(SHARD, 10);
    core.bound(SHARD, 4);
    let first = order(&mut core, SECOND);
    assert_eq!(first.through, 4);
    core.written(&first, end(&first), 4, SECOND / 100);
    assert_eq!(core.backlog(), 6, "what waits is told all the same");
    assert!(matches!(core.next(SECOND * 2), Step::Wait(_)));
    core.bound(SHARD, 7);
    assert_eq!(order(&mut core, SECOND * 2).through, 7);
}

#[test]
fn after_a_failure_the_database_is_looked_at_again_later() {
    let mut core = surveyed();
    core.available(CONTROL, 5);
    core.available(SHARD, 5);
    let (first, second) = (order(&mut core, SECOND), order(&mut core, SECOND));
    core.failed(Some((&first, 5)), (Kind::Away, "gone".to_owned()), SECOND, 3);
    let Step::Wait(wait) = core.next(SECOND) else { panic!("it does not wait") };
    let mut now = SECOND + wait;
    assert!(matches!(core.next(now), Step::Wait(_)), "another batch is still under way");
    core.failed(Some((&second, 5)), (Kind::Away, "gone".to_owned()), now, 3);
    for _ in 0..5 {
        let Step::Wait(wait) = core.next(now) else { panic!("it does not wait") };
        now += wait;
        assert_eq!(core.next(now), Step::Survey);
        core.failed(None, (Kind::Away, "gone".to_owned()), now, 3);
    }
    assert_eq!(core.breaker(now), State::Open);
    let Step::Wait(wait) = core.next(now) else { panic!("it does not wait") };
    now += wait;
    assert_eq!((core.breaker(now), core.next(now)), (State::HalfOpen, Step::Survey));
    // The second batch had arrived, though nobody had heard of it.
    let found = BTreeMap::from([(second.sequence, end(&second))]);
    core.surveyed(&found, 0);
    assert_eq!(core.breaker(now), State::HalfOpen, "nothing was written yet");
    let again = order(&mut core, now);
    assert_eq!((again.sequence, again.from), (first.sequence, first.from));
    core.available(SHARD, 50);
    assert!(matches!(core.next(now), Step::Wait(_)), "one is tried before there are several");
    core.written(&again, end(&again), 5, SECOND / 100);
    assert_eq!((core.breaker(now), core.is_well()), (State::Closed, true));
}

#[test]
fn a_database_that_answers_and_takes_nothing_is_asked_less_and_less() {
    let mut core = surveyed();
    core.available(SHARD, 10_000);
    let (mut now, mut attempts) = (SECOND, 0);
    while now < SECOND * 100 {
        match core.next(now) {
            Step::Survey => core.surveyed(&genesis(), 0),
            Step::Write(order) => {
                attempts += 1;
                core.failed(Some((&order, 500)), (Kind::Away, "full".to_owned()), now, 3);
                assert!(!core.is_well());
            }
            Step::Wait(wait) => now += wait,
            other => panic!("{other:?}"),
        }
    }
    assert!((5..20).contains(&attempts), "{attempts} attempts in 100 s");
}

#[test]
fn what_was_set_aside_is_tried_again_while_nothing_else_of_its_sequence_is_under_way() {
    let mut core = core();
    assert_eq!(core.next(SECOND), Step::Survey);
    core.surveyed(&genesis(), 2);
    core.available(SHARD, 10);
    assert_eq!(core.next(SECOND), Step::LookAside);
    let batch = order(&mut core, SECOND);
    let position = |number| Position { sequence: SHARD, number };
    core.looked_aside(Some((2, vec![position(3), position(5)])));
    assert!(matches!(core.next(SECOND), Step::Wait(_)), "the sequence is being written");
    core.written(&batch, end(&batch), 10, SECOND / 100);
    let Step::Retry(retry) = core.next(SECOND) else { panic!("it is not tried again") };
    assert_eq!(retry, Retry { position: position(3), from: end(&batch) });
    core.available(SHARD, 5_000);
    assert!(matches!(core.next(SECOND), Step::Wait(_)), "one after the other");
    core.retried(&retry, Ok(()));
    let Step::Retry(retry) = core.next(SECOND) else { panic!("it is not tried again") };
    core.retried(&retry, Err(()));
    assert_eq!(core.aside().count(), 1);
    assert!(matches!(core.next(SECOND), Step::Write(_)));
    // Those are looked for again later, as long as there are any.
    assert_eq!(core.next(SECOND * 3), Step::LookAside);
}

/// A database that refuses one entry, whatever it comes with.
fn drain(core: &mut Core, refused: u64, available: u64) -> (Vec<u64>, usize) {
    let (mut now, mut attempts, mut aside) = (SECOND, 0, Vec::new());
    core.available(SHARD, available);
    while core.backlog() > 0 {
        now += SECOND;
        let order = order(core, now);
        attempts += 1;
        let to = end(&order);
        let outcomes = usize::try_from(to.through - order.from.through).unwrap();
        let has_it = order.from.through < refused && refused <= to.through;
        if has_it && order.set_aside.is_none() {
            core.failed(Some((&order, outcomes)), (Kind::Content, "no".to_owned()), now, 3);
            continue;
        }
        if order.set_aside.is_some() {
            assert_eq!(outcomes, 1);
            aside.push(to.through);
        }
        core.written(&order, to, outcomes, SECOND / 100);
    }
    (aside, attempts)
}

#[test]
fn the_one_outcome_that_is_refused_is_found_and_set_aside() {
    for refused in [1, 2, 499, 500, 501, 3_000, 20_000] {
        let (aside, attempts) = drain(&mut surveyed(), refused, 20_000);
        assert_eq!(aside, [refused]);
        assert!(attempts < 60, "{attempts} attempts to get past {refused}");
    }
}

#[test]
fn what_cannot_even_be_set_aside_stops_it_for_a_long_while() {
    let mut core = surveyed();
    core.available(SHARD, 1);
    let refused = order(&mut core, SECOND);
    core.failed(Some((&refused, 1)), (Kind::Content, "no".to_owned()), SECOND, 3);
    let aside = order(&mut core, SECOND);
    assert_eq!(aside.set_aside.as_deref(), Some("no"));
    core.failed(Some((&aside, 1)), (Kind::Content, "no".to_owned()), SECOND, 3);
    assert_eq!(core.next(SECOND), Step::Wait(SECOND * 30));
    assert_eq!(core.next(SECOND * 31), Step::Survey);
}

/// Carries out what the core wants at a time, with a database that refuses every outcome; gives how
/// many were set aside.
fn refuse_all(core: &mut Core, now: Duration) -> u64 {
    let mut set_aside = 0;
    loop {
        let order = match core.next(now) {
            Step::Write(order) => order,
            Step::LookAside => {
                core.looked_aside(None);
                continue;
            }
            Step::Wait(_) => return set_aside,
            other => panic!("{other:?}"),
        };
        match &order.set_aside {
            Some(_) => {
                set_aside += 1;
                let end = Checkpoint { through: order.from.through + 1, ..order.from };
                core.written(&order, end, 1, SECOND / 1_000);
            }
            None => {
                let left = order.through - order.from.through;
                let outcomes = order.limit.min(usize::try_from(left).unwrap());
                let why = (Kind::Content, "23514: refused".to_owned());
                core.failed(Some((&order, outcomes)), why, now, 0);
            }
        }
    }
}

#[test]
fn a_database_that_refuses_everything_gets_a_hundred_and_then_one_now_and_then() {
    let mut core = surveyed();
    core.available(CONTROL, 1_000);
    core.available(SHARD, 1_000);
    assert_eq!(refuse_all(&mut core, SECOND), 100);
    assert_eq!(core.breaker(SECOND), State::Open);
    assert_eq!(core.refuses_all(), Some("23514: refused"));
    assert_eq!(refuse_all(&mut core, SECOND * 20), 0);
    assert_eq!(refuse_all(&mut core, SECOND * 31), 1);
    assert_eq!(refuse_all(&mut core, SECOND * 32), 0);
    assert_eq!(core.aside().count(), 101);
    // Nothing refuses them any more: the first goes alone, and all others with it.
    let mut now = SECOND * 61;
    assert_eq!(core.breaker(now), State::HalfOpen);
    let mut batches = 0;
    while core.backlog() > 0 {
        now += SECOND / 2;
        let order = order(&mut core, now);
        assert_eq!(order.set_aside, None);
        let end = end(&order);
        core.written(&order, end, (end.through - order.from.through) as usize, SECOND / 1_000);
        batches += 1;
    }
    assert!(batches < 50, "{batches} batches are too many");
    assert_eq!((core.refuses_all(), core.breaker(now)), (None, State::Closed));
}

/// The database set an outcome aside, and its answer was lost.
#[test]
fn no_outcome_is_set_aside_for_what_another_one_was_refused_for() {
    let mut core = surveyed();
    core.available(SHARD, 3);
    let first = order(&mut core, SECOND);
    core.failed(Some((&first, 1)), (Kind::Content, "refused".to_owned()), SECOND, 3);
    let mut checkpoints = genesis();
    let mut now = SECOND;
    for through in [0, 1] {
        let aside = order(&mut core, now);
        assert_eq!((aside.from.through, aside.set_aside.as_deref()), (0, Some("refused")));
        core.failed(Some((&aside, 1)), (Kind::Away, "gone".to_owned()), now, 3);
        now += SECOND * 60;
        assert_eq!(core.next(now), Step::Survey);
        if through == 1 {
            checkpoints.insert(SHARD, end(&aside));
        }
        core.surveyed(&checkpoints, through);
    }
    let next = order(&mut core, now);
    assert_eq!((next.from.through, next.set_aside), (1, None));
}
