//! A whole node, on the real disk, asked through ports as HTTP workers ask it.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod full_disk;
mod harness;

use redeemd_actors::core::{Answer, Ask, ReadOnly, Rejection};
use redeemd_actors::directory::place_of;
use redeemd_domain::machine::{Machine as _, Outcome};
use redeemd_domain::refusal::Refusal;
use redeemd_domain::shard::{Command, Event, Query, Reply};
use redeemd_persistence::ledger::{Key, KeyKind};

use harness::{Harness, TestNode, code, keyed, redeem};

#[test]
fn what_was_answered_is_there_after_a_restart() {
    let harness = Harness::new();
    let first = harness.run(async |node| {
        let campaign = node.make_campaign(1_000, Some(1)).await;
        let mut granted = Vec::new();
        for serial in 0..500 {
            let outcome = node.redeem(redeem(code(campaign, serial), "alice", None)).await;
            let Outcome::Done(record) = outcome else { panic!("{outcome:?}") };
            granted.push(record);
        }
        granted
    });
    harness.run(async |node| {
        for record in &first {
            let Event::Redeemed(redemption) = &record.event else { panic!("{record:?}") };
            let again = node.redeem(redeem(redemption.code, "bob", None)).await;
            assert_eq!(again, Outcome::Refused(Refusal::AlreadyRedeemed));
            let shard = node.node.layout.shard_of(redemption.code.slot());
            let sequence = redeemd_domain::sequence::SequenceId::shard(shard);
            let position = redeemd_domain::sequence::Position { sequence, number: record.number };
            let kept = node.node.ledger.read(position).unwrap().unwrap();
            let kept = redeemd_actors::ledger_record::decode_shard(&kept.bytes).unwrap();
            assert_eq!(&kept, record.as_ref());
        }
        let campaign = node.node.view.current().campaigns().next().unwrap().id.number;
        let next = node.redeem(redeem(code(campaign, 500), "alice", None)).await;
        assert!(matches!(next, Outcome::Done(_)), "{next:?}");
        let unissued = node.redeem(redeem(code(campaign, 1_000), "alice", None)).await;
        assert_eq!(unissued, Outcome::Refused(Refusal::InvalidCode));
        let users = node.node.ledger.find(Key { kind: KeyKind::USER, bytes: b"alice" });
        assert!(users.count() >= 500);
    });
}

#[test]
fn of_many_who_race_for_a_code_one_gets_it() {
    Harness::new().run(async |node| {
        let campaign = node.make_campaign(50, Some(1)).await;
        for serial in 0..50 {
            let code = code(campaign, serial);
            let place = place_of(node.node.layout, code.slot());
            let racers: Vec<_> = (0..64)
                .map(|racer| {
                    let command = redeem(code, &format!("user-{racer}"), None);
                    node.port.perform(place, command)
                })
                .collect();
            let mut won = 0;
            for racer in racers {
                match racer.await {
                    Answer::Outcome(Outcome::Done(_)) => won += 1,
                    Answer::Outcome(Outcome::Refused(Refusal::AlreadyRedeemed)) => {}
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(won, 1);
        }
    });
}

#[test]
fn a_repeated_request_gets_its_first_answer_after_a_restart_too() {
    let harness = Harness::new();
    let request = || {
        let node_code = code(redeemd_domain::codes::CampaignNumber(1), 7);
        redeem(node_code, "alice", Some(keyed(&node_code, "order-1")))
    };
    let first = harness.run(async |node| {
        node.make_campaign(50, Some(3)).await;
        let Outcome::Done(first) = node.redeem(request()).await else { panic!() };
        assert_eq!(node.redeem(request()).await, Outcome::Replayed(first.clone()));
        first
    });
    harness.run(async |node| {
        assert_eq!(node.redeem(request()).await, Outcome::Replayed(first.clone()));
    });
}

#[test]
fn an_actor_that_panics_is_rebuilt_and_nothing_is_lost() {
    Harness::new().run(async |node: &TestNode| {
        let campaign = node.make_campaign(100, Some(1)).await;
        let code = code(campaign, 3);
        let granted = node.redeem(redeem(code, "alice", None)).await;
        assert!(matches!(granted, Outcome::Done(_)));
        let own = place_of(node.node.layout, code.slot());
        // A question about a code of another shard violates an invariant, which panics in debug.
        let other = (0..1024)
            .map(|serial| harness::code(campaign, serial))
            .find(|other| place_of(node.node.layout, other.slot()) != own)
            .unwrap();
        let answer = node.port.ask(own, Ask::Tell(Query::Find(other))).await;
        assert!(matches!(answer, Answer::Rejected(_) | Answer::Unknown(_)), "{answer:?}");
        let again = loop {
            match node.port.perform(own, redeem(code, "bob", None)).await {
                Answer::Outcome(outcome) => break outcome,
                Answer::Rejected(_) => {
                    actix::clock::sleep(std::time::Duration::from_millis(1)).await
                }
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(again, Outcome::Refused(Refusal::AlreadyRedeemed));
        assert_eq!(node.node.status.sequences[own + 1].rebuilt.get(), 1);
    });
}

#[test]
fn whoever_hangs_up_leaves_nothing_undone() {
    Harness::new().run(async |node| {
        let campaign = node.make_campaign(10, Some(1)).await;
        let code = code(campaign, 1);
        let place = place_of(node.node.layout, code.slot());
        drop(node.port.perform(place, redeem(code, "alice", None)));
        loop {
            let answer = node.port.ask(place, Ask::Tell(Query::Find(code))).await;
            let Answer::Reply(reply) = answer else { panic!() };
            let Reply::Found(Some((_, state))) = *reply else { panic!() };
            if state.uses == 1 {
                break;
            }
        }
        assert_eq!(node.port.outstanding(), 0);
    });
}

#[test]
fn a_rebuilt_directory_has_the_same_state() {
    let harness = Harness::new();
    harness.run(async |node| {
        let campaign = node.make_campaign(300, Some(2)).await;
        for serial in 0..300 {
            node.redeem(redeem(code(campaign, serial), "alice", None)).await;
        }
    });
    let one = harness.digests();
    let two = harness.digests();
    assert_eq!(one, two);
    assert_eq!(Command::Advance, redeemd_domain::shard::Shard::advance());
}

#[test]
fn a_node_that_was_ended_has_nothing_to_replay() {
    let harness = Harness::new();
    harness.run(async |node| {
        let campaign = node.make_campaign(100, Some(1)).await;
        for serial in 0..100 {
            node.redeem(redeem(code(campaign, serial), "alice", None)).await;
        }
    });
    for (last, snapshot) in harness.snapshots() {
        assert!(last > 0);
        assert_eq!(snapshot, last);
    }
}

#[test]
fn a_leap_of_the_clock_stops_every_sequence_until_it_is_believed() {
    Harness::new().run(async |node| {
        let campaign = node.make_campaign(100, Some(1)).await;
        assert_eq!(node.node.believe_clock().await, Some(0), "there was no leap");
        let hour = 3_600_000;
        node.node.clock.leap(hour);
        let mut serials = 0..100;
        let mut redeem_next = async || {
            let code = code(campaign, serials.next().unwrap());
            let place = place_of(node.node.layout, code.slot());
            node.port.perform(place, redeem(code, "ann", None)).await
        };
        let stopped = redeem_next().await;
        let leapt = Rejection::ReadOnly(ReadOnly::ClockLeap);
        assert!(matches!(&stopped, Answer::Rejected(reason) if *reason == leapt), "{stopped:?}");
        // Those that nobody has asked since notice it too.
        let sequences = node.node.status.sequences.len();
        assert_eq!(node.node.believe_clock().await, Some(sequences));
        for sequence in &node.node.status.sequences {
            assert!(!sequence.clock_leapt.load(std::sync::atomic::Ordering::Relaxed));
        }
        assert!(matches!(redeem_next().await, Answer::Outcome(Outcome::Done(_))));
        assert_eq!(node.node.believe_clock().await, Some(0));
        node.node.clock.leap(hour);
        assert!(matches!(redeem_next().await, Answer::Rejected(_)), "the next one is not believed");
    });
}

#[test]
fn a_clock_that_was_ahead_is_seen_to_be_behind_until_it_has_caught_up() {
    let hour = 3_600_000;
    let harness = Harness::new();
    let (campaign, ahead) = harness.run(async |node| {
        let campaign = node.make_campaign(100, Some(1)).await;
        node.node.clock.leap(hour);
        node.node.believe_clock().await.unwrap();
        let Outcome::Done(record) = node.redeem(redeem(code(campaign, 0), "ann", None)).await
        else {
            panic!()
        };
        assert_eq!(node.most_behind_ms(), 0);
        node.node.clock.leap_back(hour);
        node.redeem(redeem(code(campaign, 4), "ann", None)).await;
        assert!(node.most_behind_ms() > hour / 2, "a running server says so too");
        (campaign, record.at)
    });
    harness.run(async |node| {
        // Without a request: the sequences look by themselves.
        while node.most_behind_ms() == 0 {
            actix::clock::sleep(std::time::Duration::from_millis(1)).await;
        }
        let Outcome::Done(record) = node.redeem(redeem(code(campaign, 8), "ann", None)).await
        else {
            panic!()
        };
        let real = node.node.clock.now().wall;
        assert!(record.at >= ahead && record.at.0 < ahead.0 + hour / 2, "time stands still");
        assert!(node.most_behind_ms().abs_diff(record.at.0 - real.0) < hour / 4);
        node.node.clock.leap(2 * hour);
        assert!(node.node.believe_clock().await >= Some(1));
        assert_eq!(node.most_behind_ms(), 0);
    });
}
