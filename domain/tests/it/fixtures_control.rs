//! Fixtures of the control sequence's formats: entries with every command, every record, and a
//! state with something of everything.

use redeemd_domain::campaign::{Revision, Status, Window};
use redeemd_domain::codes::CampaignNumber;
use redeemd_domain::control::{
    Asked, Changes, Command, Control, Decoder, Draft, DraftCodes, Event, NewApiKey, Outcome,
    Purpose, Role, Secret, SecretName,
};
use redeemd_domain::entry::Entry;
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::machine::Machine;
use redeemd_domain::timestamp::Timestamp;

use crate::fixtures::{self, assert_entries, assert_records, assert_state, live, records};

fn asked(request: Option<(u8, u64)>) -> Asked {
    let request = request.map(|(byte, searched)| fixtures::request(byte, searched));
    Asked { api_key: ApiKeyNumber(1), request }
}

fn secret(purpose: Purpose, number: u16) -> Command {
    let name = SecretName { purpose, number };
    Command::AddSecret(Secret { name, enciphered: vec![number as u8; 60].into() })
}

fn api_key(byte: u8, role: Role) -> Command {
    let name = format!("key {byte}").into();
    Command::AddApiKey(NewApiKey { digest: [byte; 32], role, name })
}

fn make(codes: DraftCodes, full: bool, asked: Asked) -> Command {
    let moment = |at| full.then_some(Timestamp(at));
    let draft = Draft {
        name: "Léto 2027".into(),
        codes,
        rules: None,
        window: Window { starts_at: moment(1), expires_at: moment(1 << 41) },
        uses_per_code: full.then_some(300),
        reward: full.then(|| "{\"percent\":10}".into()),
        metadata: full.then(|| "{\"team\":\"x\"}".into()),
    };
    Command::MakeCampaign { draft, asked }
}

/// Every command, in every form that its fields can take.
fn commands() -> Vec<Command> {
    let one = CampaignNumber(1);
    let everything = Changes {
        name: Some("Winter".into()),
        starts_at: Some(None),
        expires_at: Some(Some(Timestamp(1 << 40))),
        uses_per_code: Some(None),
        reward: Some(Some("{\"percent\":20}".into())),
        metadata: Some(None),
    };
    let change = |edition, changes, asked| Command::ChangeCampaign {
        campaign: one,
        edition,
        changes,
        asked,
    };
    let status = |status, asked| Command::SetStatus { campaign: one, status, asked };
    vec![
        Command::Advance,
        secret(Purpose::SealingKey, 1),
        secret(Purpose::Pepper, 1),
        secret(Purpose::HintKey, 1),
        secret(Purpose::SealingKey, 2),
        api_key(1, Role::Admin),
        api_key(2, Role::Issuer),
        api_key(3, Role::Redeemer),
        api_key(4, Role::Auditor),
        api_key(5, Role::Public),
        Command::RevokeApiKey(ApiKeyNumber(3)),
        make(DraftCodes::Sealed, true, asked(None)),
        make(DraftCodes::Imported, false, asked(Some((1, 0)))),
        change(Some(Revision(1)), everything, asked(Some((2, 300)))),
        change(None, Changes { reward: Some(None), ..Changes::default() }, asked(None)),
        Command::Issue { campaign: one, count: 10_000_000, asked: asked(Some((3, 13))) },
        status(Status::Paused, asked(Some((4, 13)))),
        status(Status::Active, asked(None)),
        Command::SetStatus {
            campaign: CampaignNumber(2),
            status: Status::Archived,
            asked: asked(None),
        },
    ]
}

fn entries() -> Vec<Entry<Command>> {
    let mut entries = fixtures::entries(commands(), 200);
    entries.iter_mut().skip(14).for_each(|entry| entry.covered = 13);
    entries
}

fn lived() -> (Control, Vec<Outcome>) {
    let mut control = Control::new();
    let outcomes = live(&mut control, entries());
    (control, outcomes)
}

#[test]
fn the_entry_fixture_is_read_and_written() {
    let comment = "Entries of the control sequence, version 1.";
    assert_entries("control-entries-1.hex", comment, &entries());
}

#[test]
fn the_record_fixture_is_read_and_written() {
    let (_, outcomes) = lived();
    let records = records(outcomes);
    assert_eq!(
        records.len(),
        commands().len() - 1,
        "every command but the first changes something"
    );
    let kinds = records.iter().map(|record| match record.event {
        Event::SecretAdded(_) => 0,
        Event::ApiKeyAdded { .. } => 1,
        Event::ApiKeyRevoked(_) => 2,
        Event::CampaignMade(_) => 3,
        Event::CampaignChanged(_) => 4,
        Event::Issued { .. } => 5,
        Event::Imported { .. } | Event::PatternIssued { .. } | Event::ImportKept { .. } => {
            unreachable!("they have fixtures of their own")
        }
    });
    let kinds: std::collections::BTreeSet<_> = kinds.collect();
    assert_eq!(kinds.len(), 6, "every kind of record is in the fixture");
    let comment = "Records of the control sequence, version 1.";
    assert_records("control-records-1.hex", comment, &records);
}

#[test]
fn the_state_fixture_is_read_and_written() {
    let (control, _) = lived();
    let comment = "The state of the control sequence, version 1: a head, campaigns, records.";
    let read = assert_state("control-state-1.hex", comment, Decoder::default(), &control);
    assert!(read.campaigns().eq(control.campaigns()));
    assert!(read.secrets().eq(control.secrets()));
    assert!(read.api_keys().eq(control.api_keys()));
    assert_eq!((read.last(), read.time()), (control.last(), control.time()));
    assert_eq!(read.forgotten(), 13);
}
