//! The text of a position between events: a letter, and the numbers of all sequences with a check.
//!
//! The check covers the identity of the data directory, so that a position that was mangled, or was
//! given by another server, is refused instead of leaving events out. It is no secret: whoever makes
//! one up gets events that another position would give, too.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::service::EventPosition;

/// What every position begins with.
const MARK: char = 'p';

/// How many bytes the check has.
const CHECK_BYTES: usize = 4;

/// Writes and reads the positions of one data directory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PositionText {
    directory: [u8; 16],
    sequences: usize,
}

impl PositionText {
    /// The texts of positions in the directory of this identity, with so many sequences.
    pub(crate) fn new(directory: [u8; 16], sequences: usize) -> Self {
        Self { directory, sequences }
    }

    /// How many sequences a position has.
    pub(crate) fn sequences(&self) -> usize {
        self.sequences
    }

    /// The text of a position.
    pub(crate) fn write(&self, position: &EventPosition) -> String {
        let mut text = String::with_capacity(8 + 4 * self.sequences);
        self.append(position, &mut text);
        text
    }

    /// Appends the text of a position.
    pub(crate) fn append(&self, position: &EventPosition, text: &mut String) {
        let mut bytes = Vec::with_capacity(CHECK_BYTES + 4 * self.sequences);
        for &number in position.numbers() {
            put_number(number, &mut bytes);
        }
        bytes.extend_from_slice(&self.check(&bytes));
        text.push(MARK);
        URL_SAFE_NO_PAD.encode_string(&bytes, text);
    }

    /// The position of a text; `None` where it was not written for this directory.
    pub(crate) fn read(&self, text: &str) -> Option<EventPosition> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(MARK)?).ok()?;
        let (mut left, check) = bytes.split_last_chunk::<CHECK_BYTES>()?;
        if *check != self.check(left) {
            return None;
        }
        let numbers = (0..self.sequences).map(|_| take_number(&mut left)).collect::<Option<_>>()?;
        left.is_empty().then(|| EventPosition::new(numbers))
    }

    fn check(&self, bytes: &[u8]) -> [u8; CHECK_BYTES] {
        crc32c::crc32c_append(crc32c::crc32c(&self.directory), bytes).to_le_bytes()
    }
}

/// Writes a number in as few bytes as it needs (LEB128).
fn put_number(mut number: u64, bytes: &mut Vec<u8>) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let part = u64::from(byte & 0x7f);
        number |= part << shift;
        if byte & 0x80 == 0 {
            return (part << shift >> shift == part).then_some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_position_reads_back_and_nothing_else_does(
            numbers in prop::collection::vec(prop_oneof![0..1000u64, any::<u64>()], 1..40),
            place in any::<prop::sample::Index>(), text in ".{0,60}",
        ) {
            let form = PositionText::new([7; 16], numbers.len());
            let position = EventPosition::new(numbers);
            let written = form.write(&position);
            prop_assert_eq!(form.read(&written), Some(position));
            let mut bytes = written.clone().into_bytes();
            let place = place.index(bytes.len());
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            prop_assert_eq!(form.read(&String::from_utf8(bytes).unwrap()), None);
            prop_assert_eq!(form.read(&written[1..]), None);
            prop_assert_eq!(form.read(&text), None);
            let elsewhere = PositionText { directory: [8; 16], ..form };
            prop_assert_eq!(elsewhere.read(&written), None);
            let longer = PositionText { sequences: form.sequences + 1, ..form };
            prop_assert_eq!(longer.read(&written), None);
        }
    }
}
