//! Which facts make which finding.

use std::time::Duration;

use redeemd_actors::projector::status::Trouble;
use redeemd_persistence::shared::{Standing, Trouble as RedisTrouble};

use super::super::Stage;
use super::facts::Facts;
use super::postgres::ProjectionFacts;
use super::redis_facts::RedisFacts;
use super::*;

fn fine() -> Facts {
    Facts {
        stage: Some(Stage::Serving),
        journal_bytes: 1 << 20,
        journal_target_bytes: 1 << 30,
        free_bytes: Some(1 << 40),
        minimum_free_bytes: 1 << 28,
        resident_bytes: 1 << 25,
        memory_limit_bytes: Some(1 << 32),
        is_spread: true,
        sequences: 9,
        mailbox_capacity: 100,
        max_lag: 1_000,
        snapshot_interval_seconds: 900,
        ..Facts::default()
    }
}

fn with(change: impl FnOnce(&mut Facts)) -> Facts {
    let mut facts = fine();
    change(&mut facts);
    facts
}

fn with_redis(trouble: RedisTrouble) -> Facts {
    let standing = Standing { trouble: Some(trouble), age: Duration::from_secs(9) };
    with(|it| it.redis = Some(RedisFacts { standing, in_flight: 0, slow_ms: 20 }))
}

/// A server with a database, of which something is so.
fn projecting(change: impl FnOnce(&mut ProjectionFacts)) -> Facts {
    let mut projection = ProjectionFacts { max_lag: 1_000, ..ProjectionFacts::default() };
    change(&mut projection);
    with(|it| it.projection = Some(projection))
}

fn trouble(is_lasting: bool) -> Option<Trouble> {
    Some(Trouble { is_lasting, reason: "why".into() })
}

#[test]
fn nothing_is_found_where_all_is_well() {
    let report = projecting(|it| it.backlog = 1_000).judge();
    assert!(report.parts.iter().all(|part| part.finding.is_none()), "{report:?}");
    assert_eq!(report.health(), Health::Healthy);
}

#[test]
fn each_finding_is_found_alone_and_in_its_part() {
    let cases: [(&str, Finding, Facts); 29] = [
        ("server", Finding::Starting, with(|it| it.stage = Some(Stage::Starting))),
        ("server", Finding::Ending, with(|it| it.stage = Some(Stage::Ending))),
        ("journal", Finding::JournalFailed, with(|it| it.fatal = Some("why".into()))),
        ("journal", Finding::JournalLarge, with(|it| it.journal_bytes = 3 << 30)),
        ("disk", Finding::DiskFull, with(|it| it.disk_is_full = true)),
        ("disk", Finding::DiskFailed, with(|it| it.disk_failure = Some("gone".into()))),
        ("disk", Finding::DiskLow, with(|it| it.free_bytes = Some(1 << 28))),
        ("disk", Finding::DiskUnknown, with(|it| it.free_bytes = None)),
        ("memory", Finding::MemoryLow, with(|it| it.resident_bytes = 1 << 32)),
        ("clock", Finding::ClockLeapt, with(|it| it.clock_leapt = true)),
        ("clock", Finding::ClockBehind, with(|it| it.clock_behind_ms = 1_000)),
        ("shards", Finding::SequenceDown, with(|it| (it.down, it.unreachable) = (1, 1))),
        ("shards", Finding::SequenceRebuilding, with(|it| it.unreachable = 1)),
        ("shards", Finding::CampaignsSpreading, with(|it| it.is_spread = false)),
        ("shards", Finding::MailboxFilling, with(|it| it.waiting = 50)),
        ("shards", Finding::ClaimsUnresolved, with(|it| it.claim_age_seconds = 11)),
        ("ledger", Finding::LedgerBehind, with(|it| it.ledger_lag = 500)),
        ("snapshots", Finding::SnapshotFailed, with(|it| it.snapshot_failed = true)),
        ("snapshots", Finding::SnapshotOverdue, with(|it| it.snapshot_age_seconds = 2_761)),
        ("configuration", Finding::ReloadFailed, with(|it| it.reload_error = Some("x".into()))),
        ("redis", Finding::RedisSlow, with_redis(RedisTrouble::Slow)),
        ("redis", Finding::RedisAway, with_redis(RedisTrouble::Away("x".into()))),
        ("redis", Finding::RedisRefused, with_redis(RedisTrouble::Refused("x".into()))),
        ("postgres", Finding::PostgresAway, projecting(|it| it.trouble = trouble(false))),
        ("postgres", Finding::PostgresRefused, projecting(|it| it.trouble = trouble(true))),
        ("postgres", Finding::PostgresBehind, projecting(|it| it.backlog = 1_001)),
        (
            "postgres",
            Finding::PostgresRefusesAll,
            projecting(|it| it.refuses_all = Some("23514".to_owned())),
        ),
        ("postgres", Finding::PostgresSetAside, projecting(|it| it.set_aside = 1)),
        ("postgres", Finding::PostgresBacklogFull, projecting(|it| it.is_full = true)),
    ];
    for (place, finding, facts) in cases {
        let report = facts.judge();
        let found: Vec<_> =
            report.parts.iter().filter_map(|part| Some((part.name, part.finding?))).collect();
        assert_eq!(found, [(place, finding)]);
        assert_eq!(report.health(), finding.health());
    }
}

#[test]
fn bounds_that_are_switched_off_are_not_judged_by() {
    let facts = with(|it| {
        (it.journal_target_bytes, it.journal_bytes) = (0, u64::MAX);
        (it.snapshot_interval_seconds, it.snapshot_age_seconds) = (0, u64::MAX);
        (it.memory_limit_bytes, it.resident_bytes) = (None, u64::MAX);
        (it.minimum_free_bytes, it.free_bytes) = (0, Some(0));
    });
    assert_eq!(facts.judge().health(), Health::Healthy);
}

#[test]
fn names_are_distinct() {
    let names: std::collections::BTreeSet<_> = Finding::ALL.map(Finding::name).into();
    assert_eq!(names.len(), Finding::ALL.len());
}

/// Documents are compared with this list, so that nothing may be missing from it.
#[test]
fn all_of_them_are_all_that_there_are() {
    let (_, rest) = include_str!("mod.rs").split_once("pub enum Finding {").unwrap();
    let (variants, _) = rest.split_once('}').unwrap();
    let variants = variants.lines().filter_map(|line| line.trim().strip_suffix(','));
    let known = Finding::ALL.map(|finding| format!("{finding:?}"));
    assert_eq!(variants.collect::<Vec<_>>(), known);
}
