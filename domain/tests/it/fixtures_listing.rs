//! Fixtures of what came with listed codes: patterns, and imports that are kept. See `fixtures.rs`.

use redeemd_domain::campaign::Window;
use redeemd_domain::codes::{CampaignNumber, Pattern};
use redeemd_domain::control::{
    Asked, Command, Control, Decoder, Draft, DraftCodes, Event, Import, Outcome, Purpose, Record,
    RowFault, Secret, SecretName,
};
use redeemd_domain::entry::Entry;
use redeemd_domain::identifier::ApiKeyNumber;

use crate::fixtures::{self, assert_entries, assert_records, assert_state, live, records};

fn asked(request: Option<u8>) -> Asked {
    Asked { api_key: ApiKeyNumber(2), request: request.map(|byte| fixtures::request(byte, 0)) }
}

fn secret(purpose: Purpose, number: u16) -> Command {
    let name = SecretName { purpose, number };
    Command::AddSecret(Secret { name, enciphered: vec![number as u8; 41].into() })
}

fn make(codes: DraftCodes) -> Command {
    let draft = Draft {
        name: "Listed".into(),
        codes,
        rules: None,
        window: Window::default(),
        uses_per_code: Some(1),
        reward: None,
        metadata: None,
    };
    Command::MakeCampaign { draft, asked: asked(None) }
}

fn pattern(text: &str, alphabet: &str, allow_guessable: bool) -> DraftCodes {
    DraftCodes::Pattern { pattern: Pattern::new(text, alphabet).unwrap(), allow_guessable }
}

/// Every new command, in every form that its fields can take.
fn commands() -> Vec<Command> {
    let mut import = Import { imported: 1_000_000, duplicates: 300, ..Import::default() };
    let faults = [
        RowFault::Empty,
        RowFault::TooLong,
        RowFault::ControlCharacter,
        RowFault::ReservedText,
        RowFault::Malformed,
    ];
    (200..).zip(faults).for_each(|(line, fault)| import.reject(line, fault));
    let issue = |campaign, first, span, skipped: &[u64], asked| Command::IssuePattern {
        campaign: CampaignNumber(campaign),
        first,
        span,
        skipped: skipped.to_vec(),
        asked,
    };
    let imported = CampaignNumber(3);
    vec![
        secret(Purpose::Pepper, 1),
        secret(Purpose::PatternKey, 1),
        secret(Purpose::PatternKey, 2),
        make(pattern("SUMMER-####-####", Pattern::USUAL_ALPHABET, false)),
        make(pattern("v_#.###", "0123456789", true)),
        make(DraftCodes::Imported),
        issue(1, 0, 1_000_000, &[], asked(Some(1))),
        issue(2, 0, 500, &[0, 7, 499], asked(None)),
        issue(2, 500, 300, &[500], asked(Some(2))),
        Command::RecordImport { campaign: imported, import, asked: asked(Some(3)) },
        Command::RecordImport { campaign: imported, import: Import::default(), asked: asked(None) },
    ]
}

fn entries() -> Vec<Entry<Command>> {
    fixtures::entries(commands(), 1)
}

fn lived() -> (Control, Vec<Outcome>) {
    let mut control = Control::new();
    let outcomes = live(&mut control, entries());
    (control, outcomes)
}

#[test]
fn the_entry_fixture_is_read_and_written() {
    let comment = "Entries of the control sequence that came with listed codes, version 1.";
    assert_entries("control-entries-listing-1.hex", comment, &entries());
}

#[test]
fn the_record_fixture_is_read_and_written() {
    let (_, outcomes) = lived();
    let count = outcomes.len();
    let records = records(outcomes);
    assert_eq!(records.len(), count, "every command changes something");
    let is_new = |record: &Record| {
        matches!(record.event, Event::Imported { .. } | Event::PatternIssued { .. })
    };
    assert_eq!(records.iter().filter(|record| is_new(record)).count(), 5);
    let comment = "Records of the control sequence that came with listed codes, version 1.";
    assert_records("control-records-listing-1.hex", comment, &records);
}

#[test]
fn the_state_fixture_is_read_and_written() {
    let (control, _) = lived();
    let comment = "The state of the control sequence with patterns, version 1.";
    let read = assert_state("control-state-listing-1.hex", comment, Decoder::default(), &control);
    assert!(read.campaigns().eq(control.campaigns()));
    assert_eq!(read.campaign(CampaignNumber(2)).unwrap().skipped(), [0, 7, 499, 500]);
}
