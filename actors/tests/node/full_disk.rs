//! A disk that somebody else fills: nothing ends, nothing is lost, and it goes on by itself.

use std::sync::atomic::Ordering;
use std::time::Duration;

use redeemd_actors::core::{Answer, ReadOnly, Rejection};
use redeemd_actors::directory::place_of;
use redeemd_domain::machine::Outcome;
use redeemd_persistence::disk::Disk as _;
use redeemd_persistence::disk::simulated::SimulatedDisk;

use crate::harness::{Harness, SEGMENT_BYTES, code, redeem};

/// Takes all room that the disk has; whoever asks is told so, or that there is plenty.
fn fill(disk: &SimulatedDisk, truthful: bool) {
    let used = (1 << 50) - disk.free_bytes().unwrap();
    disk.set_capacity(used);
    disk.show_free((!truthful).then_some(1 << 40));
}

fn make_room(disk: &SimulatedDisk) {
    disk.set_capacity(1 << 50);
    disk.show_free(None);
}

/// Waits for the segment after the first, which is made while the journal is used: from then on the
/// journal has room of its own for a while.
async fn wait_for_the_next_segment(disk: &SimulatedDisk) {
    let length = || disk.open("journal/0000000002.segment").and_then(|file| file.length());
    while length().unwrap_or(0) < SEGMENT_BYTES {
        wait().await;
    }
}

async fn wait() {
    actix::clock::sleep(Duration::from_millis(1)).await;
}

#[test]
fn a_ledger_without_room_makes_the_node_read_only_until_there_is_some() {
    for truthful in [true, false] {
        let disk = SimulatedDisk::new(1);
        let harness = Harness::on(&disk);
        let granted = harness.run(async |node| {
            let campaign = node.make_campaign(100_000, Some(1)).await;
            let mut serials = 0..100_000;
            let mut redeem_next = async || {
                let code = code(campaign, serials.next().unwrap());
                let place = place_of(node.node.layout, code.slot());
                (code, node.port.perform(place, redeem(code, "ann", None)).await)
            };
            let (first, answer) = redeem_next().await;
            assert!(matches!(answer, Answer::Outcome(Outcome::Done(_))), "{answer:?}");
            wait_for_the_next_segment(&disk).await;
            fill(&disk, truthful);
            let mut granted = vec![first];
            let full = Rejection::ReadOnly(ReadOnly::DiskFull);
            loop {
                match redeem_next().await {
                    (code, Answer::Outcome(Outcome::Done(_))) => granted.push(code),
                    (_, Answer::Rejected(reason)) if reason == full => break,
                    (_, other) => panic!("{other:?}"),
                }
            }
            assert!(node.node.status.ledger_waits_for_room.load(Ordering::Relaxed));
            assert_eq!(node.node.status.fatal(), None);

            make_room(&disk);
            loop {
                match redeem_next().await {
                    (code, Answer::Outcome(Outcome::Done(_))) => break granted.push(code),
                    (_, Answer::Rejected(_)) => wait().await,
                    (_, other) => panic!("{other:?}"),
                }
            }
            while node.node.status.disk_is_full.load(Ordering::Relaxed) {
                wait().await;
            }
            granted
        });
        let states = harness.digests();
        harness.run(async |node| {
            for code in &granted {
                let again = node.redeem(redeem(*code, "bob", None)).await;
                assert!(matches!(again, Outcome::Refused(_)), "{again:?}");
            }
        });
        assert_eq!(harness.digests(), states);
    }
}

#[test]
fn a_node_starts_on_a_full_disk_and_gives_the_ledger_its_outcomes_later() {
    let disk = SimulatedDisk::new(2);
    let harness = Harness::on(&disk);
    let code = harness.run(async |node| {
        let campaign = node.make_campaign(100, Some(1)).await;
        let code = code(campaign, 7);
        wait_for_the_next_segment(&disk).await;
        fill(&disk, true);
        let outcome = node.redeem(redeem(code, "ann", None)).await;
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
        code
    });
    harness.run(async |node| {
        assert_eq!(node.node.status.fatal(), None);
        let place = place_of(node.node.layout, code.slot());
        let status = &node.node.status.sequences[place + 1];
        while !node.node.status.ledger_waits_for_room.load(Ordering::Relaxed) {
            wait().await;
        }
        assert!(status.covered.get() < status.applied.get());
        make_room(&disk);
        while status.covered.get() < status.applied.get() {
            wait().await;
        }
    });
}
