//! Fixtures of what came with rollbacks, holds and balances: entries with every command, every
//! record, and a state with something of each. See `fixtures.rs`.

use std::collections::BTreeSet;
use std::mem::{Discriminant, discriminant};

use redeemd_domain::campaign::{CampaignView, Revision, Status, Window};
use redeemd_domain::codes::{CampaignNumber, CodeKey, Digest, Serial};
use redeemd_domain::entry::Entry;
use redeemd_domain::identifier::{ApiKeyNumber, HoldId, RedemptionId};
use redeemd_domain::machine::{Machine, Outcome};
use redeemd_domain::request::Request;
use redeemd_domain::rules::{Balance, Currency, Period, Rules};
use redeemd_domain::shard::{
    Claim, Command, Confirm, Decoder, Event, List, MAX_EXPIRED, Otherwise, PlaceHold, Redeem,
    Release, RollBack, Shard, Spend, TopUp,
};
use redeemd_domain::timestamp::Timestamp;

use crate::fixtures::{
    self, LAYOUT, assert_entries, assert_records, assert_state, live, records, tags,
};

const API_KEY: ApiKeyNumber = ApiKeyNumber(300);

fn at(number: u64) -> Timestamp {
    fixtures::at(number, 200)
}

fn request(byte: u8) -> Option<Request> {
    Some(fixtures::request(byte, 5))
}

/// Each claim serves one attempt.
fn claim(number: u64) -> Option<Claim> {
    Some(Claim { shard: 3, number, resolved_below: 880, period: Period(7) })
}

fn sealed(campaign: u32, serial: u64) -> CodeKey {
    let serial = Serial::new(serial).unwrap();
    CodeKey::Sealed { campaign: CampaignNumber(campaign), serial }
}

fn digest() -> Digest {
    let mut bytes = [7; 16];
    (bytes[0], bytes[1]) = (0, 3 << 6);
    Digest::from_bytes(bytes)
}

fn view(number: u32) -> CampaignView {
    CampaignView {
        number: CampaignNumber(number),
        revision: Revision(1),
        status: Status::Active,
        window: Window::default(),
        uses_per_code: (number == 1024).then_some(1),
        issued: 1 << 20,
    }
}

fn wish(code: CodeKey, request: Option<Request>) -> Redeem {
    let metadata = Some(r#"{"order":7}"#.into());
    Redeem { code, user: "Žofie-1".into(), metadata, api_key: API_KEY, request }
}

fn hold(code: CodeKey, ttl_ms: u64, claim: Option<Claim>, request: Option<Request>) -> Command {
    let user = "Žofie-1".into();
    let place = PlaceHold { code, user, ttl_ms, claim, api_key: API_KEY, request };
    Command::PlaceHold(Box::new(place))
}

/// The hold that the entry of this number placed.
fn id(slot: CodeKey, number: u64) -> HoldId {
    HoldId { at: at(number), slot: slot.slot(), number }
}

fn confirm(code: CodeKey, number: u64, amount: Option<u64>, otherwise: Otherwise) -> Command {
    let spend = Spend { redeem: wish(code, request(9)), claim: claim(900 + number), amount };
    Command::Confirm(Box::new(Confirm { hold: id(code, number), spend, otherwise }))
}

fn roll_back(code: CodeKey, number: u64, spent: Option<u64>, amount: Option<u64>) -> Command {
    Command::RollBack(Box::new(RollBack {
        redemption: RedemptionId { at: at(number), slot: code.slot(), number },
        code,
        user: "Žofie-1".into(),
        generation: 0,
        claim: spent.map_or(claim(900), |_| None),
        spent,
        amount,
        max_age_ms: 7_776_000_000,
        reason: "returned".into(),
        api_key: API_KEY,
        request: amount.and(request(8)),
    }))
}

/// Every command, in every form that its fields can take.
fn commands() -> Vec<Command> {
    let (plain, gift, listed) = (sealed(1024, 1024), sealed(2048, 1), CodeKey::Listed(digest()));
    let balance = Balance { currency: Currency::parse("EUR").unwrap(), minor_units: 5_000 };
    let rules = Rules { balance: Some(balance), ..Rules::default() };
    let list = List { campaign: CampaignNumber(1024), digests: vec![digest()], api_key: API_KEY };
    let top_up = |amount, request| {
        let (code, reason) = (gift, "bonus".into());
        Command::TopUp(TopUp { code, amount, reason, api_key: API_KEY, request })
    };
    let spend =
        |amount| Command::Spend(Box::new(Spend { redeem: wish(gift, None), claim: None, amount }));
    vec![
        Command::PutCampaign(view(1024)),
        Command::PutRules { view: view(2048), rules: rules.into() },
        Command::List(list),
        hold(plain, 300_000, claim(900), request(1)),
        hold(plain, 300_000, None, None),
        confirm(plain, 4, None, Otherwise::Refuse),
        roll_back(plain, 6, None, None),
        spend(Some(1_200)),
        top_up(700, request(2)),
        top_up(1, None),
        roll_back(gift, 8, Some(1_200), Some(200)),
        spend(Some(10)),
        roll_back(gift, 12, Some(10), None),
        hold(listed, 1, None, None),
        Command::Expire { at_most: MAX_EXPIRED },
        confirm(listed, 14, None, Otherwise::TakeIfFree),
        hold(sealed(1024, 1025), 300_000, None, None),
        Command::Release(Release {
            hold: id(sealed(1024, 1025), 17),
            code: sealed(1024, 1025),
            api_key: API_KEY,
        }),
        hold(sealed(1024, 1026), 300_000, claim(1_000), None),
        hold(gift, 86_400_000, None, request(3)),
    ]
}

fn entries() -> Vec<Entry<Command>> {
    fixtures::entries(commands(), 200)
}

fn lived() -> (Shard, Vec<Outcome<Shard>>) {
    let mut shard = Shard::new(LAYOUT, 0);
    let outcomes = live(&mut shard, entries());
    (shard, outcomes)
}

#[test]
fn the_entry_fixture_is_read_and_written() {
    let comment = "Entries of a shard that came with rollbacks, holds and balances.";
    assert_entries("shard-entries-life.hex", comment, &entries());
}

#[test]
fn the_record_fixture_is_read_and_written() {
    let (_, outcomes) = lived();
    let is_refused = |outcome: &Outcome<Shard>| matches!(outcome, Outcome::Refused(_));
    assert!(!outcomes.iter().any(is_refused), "{outcomes:?}");
    let records = records(outcomes);
    let kinds: Vec<Discriminant<Event>> =
        records.iter().map(|record| discriminant(&record.event)).collect();
    let kinds: BTreeSet<_> = kinds.iter().map(|kind| format!("{kind:?}")).collect();
    assert_eq!(kinds.len(), 7, "every new kind of record is in the fixture");
    let comment = "Records of a shard that came with rollbacks, holds and balances.";
    assert_records("shard-records-life.hex", comment, &records);
}

#[test]
fn the_state_fixture_is_read_and_written() {
    let (shard, _) = lived();
    let comment = "The state of shard 0 of 256, version 2, with holds, balances and rollbacks.";
    let read = assert_state("shard-state-life.hex", comment, Decoder::new(LAYOUT, 0), &shard);
    let tags = tags(&shard);
    assert!([5, 6, 7].iter().all(|tag| tags.contains(tag)), "{tags:?}");
    assert!(read.campaigns().eq(shard.campaigns()), "counts of holds are found again");
    assert_eq!(read.held(), 2);
    assert_eq!(read.due(at(1_000_000)), shard.due(at(1_000_000)));
    for code in commands().into_iter().filter_map(|command| command.code()) {
        assert!(read.holds(&code).eq(shard.holds(&code)));
        assert_eq!(read.balance(&code), shard.balance(&code));
    }
}
