//! Fixtures of what came with limits that span codes: entries with every command, of shards and of
//! the control sequence, and states with something of each. See `fixtures.rs`.

use redeemd_domain::campaign::{CampaignView, Revision, Status, Window};
use redeemd_domain::codes::{CampaignNumber, CodeKey, Serial};
use redeemd_domain::control;
use redeemd_domain::entry::Entry;
use redeemd_domain::identifier::{ApiKeyNumber, RedemptionId};
use redeemd_domain::machine::{Machine as _, Outcome};
use redeemd_domain::rules::{Per, Period, Rules, TimeZone, TotalLimit, UserLimit};
use redeemd_domain::shard::{
    Claim, ClaimUse, Command, Decoder, Forbid, GiveBack, OwedUse, Redeem, RollBack, Settle, Shard,
    Spend, UserDigest,
};
use redeemd_domain::timestamp::Timestamp;

use crate::fixtures::{self, LAYOUT, assert_entries, assert_state, live, tags};
use crate::limits_world::World;

const CAMPAIGN: CampaignNumber = CampaignNumber(1024);
const API_KEY: ApiKeyNumber = ApiKeyNumber(300);

fn at(number: u64) -> Timestamp {
    fixtures::at(number, 200)
}

fn code(serial: u64) -> CodeKey {
    CodeKey::Sealed { campaign: CAMPAIGN, serial: Serial::new(serial).unwrap() }
}

/// A user of the shard's second slot.
fn user(byte: u8) -> UserDigest {
    let mut bytes = [byte; 16];
    (bytes[0], bytes[1]) = (0, 1 << 6);
    UserDigest(bytes)
}

fn rules() -> Rules {
    Rules {
        zones: vec![TimeZone::UTC],
        uses_per_user: Some(UserLimit { limit: 2, per: Per::Month, zone: 0 }),
        total_uses: Some(TotalLimit { limit: 500, since: Revision(3) }),
        ..Rules::default()
    }
}

fn claim(shard: u16, number: u64) -> Claim {
    Claim { shard, number, resolved_below: 600, period: Period(0x3000_02A0) }
}

fn spend(serial: u64, claim: Claim) -> Command {
    let user = "Žofie-1".into();
    let redeem =
        Redeem { code: code(serial), user, metadata: None, api_key: API_KEY, request: None };
    Command::Spend(Box::new(Spend { claim: Some(claim), ..Spend::plain(redeem) }))
}

fn claim_use(byte: u8, serial: u64) -> Command {
    Command::ClaimUse(ClaimUse { campaign: CAMPAIGN, user: user(byte), code: code(serial) })
}

fn roll_back(serial: u64, number: u64, claim: Claim) -> Command {
    Command::RollBack(Box::new(RollBack {
        redemption: RedemptionId { at: at(number), slot: code(serial).slot(), number },
        code: code(serial),
        user: "Žofie-1".into(),
        generation: 0,
        claim: Some(claim),
        spent: None,
        amount: None,
        max_age_ms: 7_776_000_000,
        reason: "returned".into(),
        api_key: API_KEY,
        request: None,
    }))
}

/// Every command that came with limits that span codes.
fn commands() -> Vec<Command> {
    let view = CampaignView {
        number: CAMPAIGN,
        revision: Revision(3),
        status: Status::Active,
        window: Window::default(),
        uses_per_code: Some(1),
        issued: 1 << 20,
    };
    let since = Revision(3);
    let owed = |number| OwedUse { number, user: user(1), period: Period(0x3000_02A0) };
    vec![
        Command::PutRules { view, rules: rules().into() },
        Command::TakeShare { campaign: CAMPAIGN, since, granted: 300 },
        claim_use(1, 7),
        claim_use(2, 1_000_000),
        claim_use(2, 2),
        Command::Settle(Settle { settled: vec![3, 900], returned: vec![5] }),
        spend(1_024, claim(7, 700)),
        spend(1_025, claim(255, 1 << 40)),
        Command::Forbid(Forbid { shard: 7, number: 701, code: code(1_026) }),
        roll_back(1_024, 7, claim(7, 700)),
        roll_back(1_025, 8, claim(255, 1 << 40)),
        Command::GiveBack(GiveBack { shard: 9, none_below: 4, uses: vec![owed(4), owed(6)] }),
        Command::Delivered { shard: 77, numbers: vec![1, 300] },
        Command::ReturnShare { campaign: CAMPAIGN, since, keep: 100 },
        claim_use(3, 512),
    ]
}

fn entries() -> Vec<Entry<Command>> {
    fixtures::entries(commands(), 200)
}

#[test]
fn the_shard_fixtures_are_read_and_written() {
    let comment = "Entries of a shard that came with limits that span codes.";
    assert_entries("shard-entries-limits.hex", comment, &entries());
    let mut shard = Shard::new(LAYOUT, 0);
    let outcomes = live(&mut shard, entries());
    let is_refused = |outcome: &Outcome<Shard>| matches!(outcome, Outcome::Refused(_));
    assert!(!outcomes.iter().any(is_refused), "{outcomes:?}");
    let comment = "The state of shard 0 of 256, version 2, with limits that span codes.";
    let read = assert_state("shard-state-limits.hex", comment, Decoder::new(LAYOUT, 0), &shard);
    let tags = tags(&shard);
    assert!((8..=13).all(|tag| tags.contains(&tag)), "{tags:?}");
    assert!(read.campaigns().eq(shard.campaigns()));
    let unfinished = read.unfinished();
    assert_eq!((unfinished.claims, unfinished.owed, unfinished.oldest_claim), (2, 2, Some(at(4))));
}

/// Every command of lending.
fn lending() -> Vec<control::Command> {
    let (campaign, since) = (CampaignNumber(1), Revision(1));
    let grant = |shard, granted| control::Command::GrantShare { campaign, since, shard, granted };
    vec![
        control::Command::OpenShares { campaign, since, bases: vec![0, 3, 200, 0] },
        grant(0, 100),
        grant(3, 1_000),
        control::Command::RecordReturned { campaign, since, shard: 0, returned: 60 },
    ]
}

#[test]
fn the_control_fixtures_are_read_and_written() {
    let mut world = World::new(rules());
    let last = world.control.last();
    let entry = |(number, command)| Entry { number, at: at(number), covered: 0, command };
    let entries: Vec<_> = (last + 1..).zip(lending()).map(entry).collect();
    // The frame begins with the first of them, whatever its number.
    let renumbered = fixtures::entries(lending(), 200);
    let comment = "Entries of the control sequence that came with limits that span codes.";
    assert_entries("control-entries-limits.hex", comment, &renumbered);
    live(&mut world.control, entries);
    assert_eq!(world.control.shares(CampaignNumber(1)).unwrap().lent(), 500 - 60);
    let comment = "The control state, version 2, with shares of a total.";
    let decoder = control::Decoder::default();
    let read = assert_state("control-state-limits.hex", comment, decoder, &world.control);
    assert_eq!(read.left_to_grant(CampaignNumber(1)), Some(60));
}
