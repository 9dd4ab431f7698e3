//! Fixtures of every stored format, in `domain/tests/fixtures`, and how they are compared.
//!
//! A fixture is what a released version wrote, so it is never changed: data directories hold the
//! same bytes. A new format gets new fixtures. `REDEEMD_WRITE_FIXTURES=1 cargo test -p
//! redeemd-domain fixture` writes those that are missing, and never touches one that is there.
//!
//! A file is lines of hexadecimal digits, one for each item (an entry payload, a record, a section
//! of a state), wrapped with `\` at the end of a line that goes on. Lines with `#` are comments.

use std::fmt::Write as _;
use std::path::PathBuf;

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
