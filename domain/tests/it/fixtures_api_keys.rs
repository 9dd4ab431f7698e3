//! Fixtures of the commands by which somebody lets API keys in and shuts them out.

use redeemd_domain::control::{Asked, Command, Control, NewApiKey, Role};
use redeemd_domain::entry::Entry;
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::request::{Fingerprint, Request, RequestDigest};

use crate::fixtures::{self, assert_entries, assert_records, live, records};

fn asked(is_keyed: bool) -> Asked {
    let request =
        Request { digest: RequestDigest([1; 16]), fingerprint: Fingerprint([2; 8]), searched: 300 };
    Asked { api_key: ApiKeyNumber(1), request: is_keyed.then_some(request) }
}

fn entries() -> Vec<Entry<Command>> {
    let key = |byte: u8, role| NewApiKey { digest: [byte; 32], role, name: "Küche".into() };
    let commands = [
        Command::LetIn { key: key(1, Role::Admin), asked: asked(false) },
        Command::LetIn { key: key(2, Role::Public), asked: asked(true) },
        Command::ShutOut { api_key: ApiKeyNumber(2), asked: asked(false) },
    ];
    fixtures::entries(commands, 1)
}

#[test]
fn the_entry_fixture_is_read_and_written() {
    let comment = "Entries of the control sequence that let API keys in and shut them out.";
    assert_entries("control-entries-api-keys.hex", comment, &entries());
}

#[test]
fn the_record_fixture_is_written_as_before() {
    let mut control = Control::new();
    let outcomes = live(&mut control, entries());
    let records = records(outcomes);
    assert_eq!(records.len(), 3, "each changes something");
    let comment = "Records of API keys that somebody asked for.";
    assert_records("control-records-api-keys.hex", comment, &records);
}
