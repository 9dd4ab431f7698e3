//! Fixtures of every stored format, in `domain/tests/fixtures`, and how they are compared.
//!
//! A fixture is what a released version wrote, so it is never changed: data directories hold the
//! same bytes. A new format gets new fixtures. `REDEEMD_WRITE_FIXTURES=1 cargo test -p
//! redeemd-domain fixture` writes those that are missing, and never touches one that is there.
//!
//! A file is lines of hexadecimal digits, one for each item (an entry payload, a record, a section
//! of a state), wrapped with `\` at the end of a line that goes on. Lines with `#` are comments.

use std::collections::BTreeSet;
use std::fmt::{Debug, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use redeemd_domain::append;
use redeemd_domain::entry::{self, Entry};
use redeemd_domain::machine::{Decode, Machine, Outcome, Recorded};
use redeemd_domain::request::{Fingerprint, Request, RequestDigest};
use redeemd_domain::slot::ShardLayout;
use redeemd_domain::timestamp::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::harness::{decode_with, sections};

/// Four slots a shard, so that a state is short.
pub(crate) const LAYOUT: ShardLayout = ShardLayout::new(256).unwrap();

const DIGITS_A_LINE: usize = 96;

/// Asserts that a fixture holds these items, and returns what it holds.
pub(crate) fn assert_fixture(name: &str, comment: &str, items: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    if !path.exists() {
        let write = std::env::var_os("REDEEMD_WRITE_FIXTURES").is_some();
        assert!(write, "{} is missing; see the head of fixtures.rs", path.display());
        std::fs::write(&path, to_text(comment, items)).unwrap();
    }
    let kept = from_text(&std::fs::read_to_string(&path).unwrap());
    assert_eq!(kept.len(), items.len(), "{name} holds another number of items");
    for (place, (kept, item)) in kept.iter().zip(items).enumerate() {
        assert_eq!(to_hex(kept), to_hex(item), "item {place} of {name} is written otherwise");
    }
    kept
}

/// Asserts that a fixture holds these entries as one payload, and reads as them.
pub(crate) fn assert_entries<C>(name: &str, comment: &str, entries: &[Entry<C>])
where
    C: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let mut payload = Vec::new();
    entry::begin(&mut payload);
    entries.iter().for_each(|entry| entry::encode(entry, &mut payload).unwrap());
    let kept = assert_fixture(name, comment, &[payload]);
    let (mut read, count) = (Vec::new(), entries.len() as u32);
    entry::decode(&kept[0], 1, count, |entry| read.push(entry)).unwrap();
    assert_eq!(read, entries);
}

/// Asserts that a fixture holds these records, and reads as them.
pub(crate) fn assert_records<R: Recorded>(name: &str, comment: &str, records: &[Arc<R>]) {
    let encoded = records.iter().map(|record| {
        let mut bytes = Vec::new();
        append(record.as_ref(), &mut bytes).unwrap();
        bytes
    });
    let kept = assert_fixture(name, comment, &encoded.collect::<Vec<_>>());
    for (bytes, record) in kept.iter().zip(records) {
        let (read, rest): (R, &[u8]) = postcard::take_from_bytes(bytes).unwrap();
        assert_eq!((&read, rest), (record.as_ref(), &[][..]));
    }
}

/// Asserts that a fixture holds the state of a machine, and returns the machine as it reads.
pub(crate) fn assert_state<D: Decode>(
    name: &str,
    comment: &str,
    decoder: D,
    machine: &D::Machine,
) -> D::Machine {
    let kept = assert_fixture(name, comment, &sections(machine));
    let read = decode_with(decoder, &kept).unwrap();
    assert_eq!(read.digest(), machine.digest());
    read
}

/// What the sections of a machine begin with.
pub(crate) fn tags<M: Machine>(machine: &M) -> BTreeSet<u8> {
    sections(machine).iter().map(|section| section[0]).collect()
}

/// A request of which only this byte tells that it is another.
pub(crate) fn request(byte: u8, searched: u64) -> Request {
    let (digest, fingerprint) = (RequestDigest([byte; 16]), Fingerprint([byte ^ 0xFF; 8]));
    Request { digest, fingerprint, searched }
}

/// The time of an entry, so many milliseconds after the one before.
pub(crate) fn at(number: u64, apart_ms: u64) -> Timestamp {
    Timestamp(1_800_000_000_000 + number * apart_ms)
}

/// Entries of these commands, so many milliseconds apart.
pub(crate) fn entries<C>(commands: impl IntoIterator<Item = C>, apart_ms: u64) -> Vec<Entry<C>> {
    let numbered = (1..).zip(commands);
    let entry = |(number, command)| Entry { number, at: at(number, apart_ms), covered: 0, command };
    numbered.map(entry).collect()
}

/// Applies entries one after the other; what came of each.
pub(crate) fn live<M: Machine>(
    machine: &mut M,
    entries: Vec<Entry<M::Command>>,
) -> Vec<Outcome<M>> {
    entries.into_iter().map(|entry| machine.apply(entry)).collect()
}

/// The records of those outcomes that changed something.
pub(crate) fn records<M: Machine>(outcomes: Vec<Outcome<M>>) -> Vec<Arc<M::Record>> {
    let record = |outcome| match outcome {
        Outcome::Done(record) => Some(record),
        _ => None,
    };
    outcomes.into_iter().filter_map(record).collect()
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn to_text(comment: &str, items: &[Vec<u8>]) -> String {
    let mut text = format!("# {comment}\n");
    for item in items {
        let hex = to_hex(item);
        let lines: Vec<_> = hex.as_bytes().chunks(DIGITS_A_LINE).collect();
        let lines: Vec<_> = lines.into_iter().map(|line| str::from_utf8(line).unwrap()).collect();
        text.push_str(&lines.join("\\\n"));
        text.push('\n');
    }
    text
}

fn from_text(text: &str) -> Vec<Vec<u8>> {
    let joined = text.replace("\\\n", "");
    let lines = joined.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let pairs = line.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).unwrap());
            pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
        })
        .collect()
}

#[test]
fn the_text_form_reads_back() {
    let items = [vec![], vec![0; 100], (0..=255).collect()];
    assert_eq!(from_text(&to_text("c", &items[1..])), items[1..]);
}
