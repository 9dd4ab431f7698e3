//! Fixtures of imports that are kept with what stood out among their codes. See `fixtures.rs`.

use redeemd_domain::campaign::Window;
use redeemd_domain::codes::CampaignNumber;
use redeemd_domain::control::{
    Asked, Command, Control, Draft, DraftCodes, Event, Import, MAX_REMARKED_LINES, Remarks,
    RowFault,
};
use redeemd_domain::entry::Entry;
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::request::{Fingerprint, Request, RequestDigest};

use crate::fixtures::{self, assert_entries, assert_records, live, records};

fn entries() -> Vec<Entry<Command>> {
    let request =
        Request { digest: RequestDigest([7; 16]), fingerprint: Fingerprint([8; 8]), searched: 0 };
    let asked = |request| Asked { api_key: ApiKeyNumber(2), request };
    let draft = Draft {
        name: "Listed".into(),
        codes: DraftCodes::Imported,
        rules: None,
        window: Window::default(),
        uses_per_code: Some(1),
        reward: None,
        metadata: None,
    };
    let mut import = Import { imported: 1_000, duplicates: 700, ..Import::default() };
    import.reject(3, RowFault::Malformed);
    let remarks = Remarks { elsewhere: 500, elsewhere_lines: vec![2, 300, 70_000], short: 9 };
    let keep = |import, remarks, request| Command::KeepImport {
        campaign: CampaignNumber(1),
        import,
        remarks,
        asked: asked(request),
    };
    let commands = [
        Command::MakeCampaign { draft, asked: asked(None) },
        keep(import, remarks, Some(request)),
        keep(Import::default(), Remarks::default(), None),
    ];
    fixtures::entries(commands, 1)
}

#[test]
fn the_entry_fixture_is_read_and_written() {
    let comment = "Entries of the control sequence with what stood out in imports, version 1.";
    assert_entries("control-entries-import-1.hex", comment, &entries());
}

#[test]
fn the_record_fixture_is_read_and_written() {
    let records = records(live(&mut Control::new(), entries()));
    let is_kept = |event: &Event| matches!(event, Event::ImportKept { .. });
    assert_eq!(records.iter().filter(|record| is_kept(&record.event)).count(), 2);
    let comment = "Records of the control sequence with what stood out in imports, version 1.";
    assert_records("control-records-import-1.hex", comment, &records);
}

#[test]
fn the_first_lines_are_kept_in_their_order() {
    let mut remarks = Remarks::default();
    (1..=300).rev().for_each(|line| remarks.found_elsewhere(line));
    assert_eq!(remarks.elsewhere, 300);
    assert!(remarks.elsewhere_lines.iter().copied().eq(1..=MAX_REMARKED_LINES as u64));
}
