//! Fixtures of a shard's formats: entries with every command, every record, and a state with
//! something of everything.

use redeemd_domain::campaign::{CampaignView, Revision, Status, Window};
use redeemd_domain::codes::{CampaignNumber, CodeKey, Digest, Serial};
use redeemd_domain::entry::Entry;
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::machine::{Machine, Outcome};
use redeemd_domain::request::Request;
use redeemd_domain::shard::{Change, Command, Decoder, Event, List, Redeem, Shard};
use redeemd_domain::timestamp::Timestamp;

use crate::fixtures::{self, LAYOUT, assert_entries, assert_records, assert_state, live, records};

const API_KEY: ApiKeyNumber = ApiKeyNumber(300);

fn request(byte: u8, searched: u64) -> Option<Request> {
    Some(fixtures::request(byte, searched))
}

fn sealed(campaign: u32, serial: u64) -> CodeKey {
    let serial = Serial::new(serial).unwrap();
    CodeKey::Sealed { campaign: CampaignNumber(campaign), serial }
}

fn digest(slot: u8, byte: u8) -> Digest {
    let mut bytes = [byte; 16];
    (bytes[0], bytes[1]) = (0, slot << 6);
    Digest::from_bytes(bytes)
}

fn put(number: u32, uses_per_code: Option<u32>, status: Status) -> Command {
    let window = match number {
        1024 => Window::default(),
        _ => Window { starts_at: Some(Timestamp(1)), expires_at: Some(Timestamp(1 << 42)) },
    };
    let (number, revision) = (CampaignNumber(number), Revision(number));
    Command::PutCampaign(CampaignView {
        number,
        revision,
        status,
        window,
        uses_per_code,
        issued: 1 << 39,
    })
}

fn redeem(code: CodeKey, metadata: Option<&str>, request: Option<Request>) -> Command {
    let (user, metadata) = ("Žofie-1".into(), metadata.map(Into::into));
    Command::Redeem(Redeem { code, user, metadata, api_key: API_KEY, request })
}

fn change(code: CodeKey, request: Option<Request>) -> Change {
    Change { code, reason: "stolen".into(), api_key: API_KEY, request }
}

/// Every command, in every form that its fields can take.
fn commands() -> Vec<Command> {
    let digests = vec![digest(0, 1), digest(1, 2), digest(3, 3), digest(1, 2)];
    let list = |campaign, digests| {
        Command::List(List { campaign: CampaignNumber(campaign), digests, api_key: API_KEY })
    };
    vec![
        put(1024, Some(1), Status::Active),
        put(2048, None, Status::Active),
        put(7, Some(3), Status::Paused),
        put(8, Some(u32::MAX), Status::Archived),
        Command::Advance,
        redeem(sealed(1024, 1024 * 70), None, None),
        redeem(sealed(1024, 0), Some("{\"a\":1}"), request(1, 0)),
        redeem(sealed(2048, 1), None, request(2, 5)),
        redeem(sealed(2048, 1), None, request(3, 300)),
        list(2048, digests),
        list(1024, vec![digest(2, 9), digest(2, 7)]),
        redeem(CodeKey::Listed(digest(1, 2)), None, None),
        redeem(CodeKey::Listed(digest(1, 2)), None, None),
        redeem(CodeKey::Listed(digest(2, 7)), None, None),
        Command::Revoke(change(sealed(1024, 1025), request(4, 7))),
        Command::Revoke(change(CodeKey::Listed(digest(3, 3)), None)),
        Command::Revoke(change(sealed(1024, 2), None)),
        Command::Restore(change(sealed(1024, 2), request(5, 7))),
        redeem(sealed(1024, 1025), None, None),
    ]
}

fn entries() -> Vec<Entry<Command>> {
    let mut entries = fixtures::entries(commands(), 200);
    entries.iter_mut().skip(10).for_each(|entry| entry.covered = 7);
    entries
}

fn lived() -> (Shard, Vec<Outcome<Shard>>) {
    let mut shard = Shard::new(LAYOUT, 0);
    let outcomes = live(&mut shard, entries());
    (shard, outcomes)
}

#[test]
fn the_entry_fixture_is_read_and_written() {
    let comment = "Entries of a shard, version 1.";
    assert_entries("shard-entries-1.hex", comment, &entries());
}

#[test]
fn the_record_fixture_is_read_and_written() {
    let (_, outcomes) = lived();
    let records = records(outcomes);
    let kinds = records.iter().map(|record| match record.event {
        Event::Redeemed(_) => 0,
        Event::Revoked(_) => 1,
        Event::Restored(_) => 2,
        Event::Listed { .. } => 3,
        _ => panic!("it is of a later version"),
    });
    let kinds: std::collections::BTreeSet<_> = kinds.collect();
    assert_eq!(kinds.len(), 4, "every kind of record is in the fixture");
    let comment = "Records of a shard, version 1.";
    assert_records("shard-records-1.hex", comment, &records);
}

#[test]
fn the_state_fixture_is_read_and_written() {
    let (shard, _) = lived();
    assert!(shard.remembered() > 0);
    let comment = "The state of shard 0 of 256, version 1: a head, records, four slots.";
    let read = assert_state("shard-state-1.hex", comment, Decoder::new(LAYOUT, 0), &shard);
    assert!(read.campaigns().eq(shard.campaigns()));
    let codes = commands().into_iter().filter_map(|command| command.code());
    for code in codes {
        let found = read.find(&code).map(|(campaign, state)| (campaign.clone(), state));
        assert_eq!(found, shard.find(&code).map(|(campaign, state)| (campaign.clone(), state)));
        assert!(found.is_some(), "{code:?}");
    }
}
