//! Fixtures of the commands by which somebody lets API keys in and shuts them out.

use redeemd_domain::append;
use redeemd_domain::control::{Asked, Command, Control, NewApiKey, Outcome, Role};
use redeemd_domain::entry::{self, Entry};
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::machine::Machine;
use redeemd_domain::request::{Fingerprint, Request, RequestDigest};
use redeemd_domain::timestamp::Timestamp;

use crate::fixtures::assert_fixture;

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
    let numbered = (1..).zip(commands);
    let at = |number| Timestamp(1_800_000_000_000 + number);
    numbered
        .map(|(number, command)| Entry { number, at: at(number), covered: 0, command })
        .collect()
}

#[test]
fn the_entry_fixture_is_read_and_written() {
    let mut payload = Vec::new();
    entry::begin(&mut payload);
    entries().iter().for_each(|entry| entry::encode(entry, &mut payload).unwrap());
    let comment = "Entries of the control sequence that let API keys in and shut them out.";
    let kept = assert_fixture("control-entries-api-keys.hex", comment, &[payload]);
    let mut read = Vec::new();
    entry::decode(&kept[0], 1, 3, |entry| read.push(entry)).unwrap();
    assert_eq!(read, entries());
}

#[test]
fn the_record_fixture_is_written_as_before() {
    let mut control = Control::new();
    let records = entries().into_iter().map(|entry| {
        let Outcome::Done(record) = control.apply(entry) else { panic!("each changes something") };
        let mut bytes = Vec::new();
        append(record.as_ref(), &mut bytes).unwrap();
        bytes
    });
    let records: Vec<_> = records.collect();
    let comment = "Records of API keys that somebody asked for.";
    assert_fixture("control-records-api-keys.hex", comment, &records);
}
