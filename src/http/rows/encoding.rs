//! The encoding of a file, by its first bytes: UTF-8, or UTF-16 as spreadsheets write it, which is
//! turned into UTF-8 as it comes.

/// What stands for what is no text: a byte that UTF-8 never has, so that its row is malformed.
const NO_TEXT: u8 = 0xFF;

/// How text is written.
#[derive(Debug)]
pub(super) enum Encoding {
    /// As it is handed on.
    Utf8,
    /// In pairs of bytes.
    Utf16(Utf16),
}

/// Text in UTF-16, between two pieces of it.
#[derive(Debug)]
pub(super) struct Utf16 {
    unit_of: fn([u8; 2]) -> u16,
    /// The first byte of a unit whose second one has not come.
    half: Option<u8>,
    /// The first unit of a character that has two.
    high: Option<u16>,
}

impl Encoding {
    /// The encoding of a file that begins so, and how many bytes a byte order mark takes; `None`
    /// while that cannot be told.
    pub(super) fn of(begin: &[u8]) -> Option<(Self, usize)> {
        match begin {
            [0xFF, 0xFE, ..] => Some((Self::Utf16(Utf16::new(u16::from_le_bytes)), 2)),
            [0xFE, 0xFF, ..] => Some((Self::Utf16(Utf16::new(u16::from_be_bytes)), 2)),
            [0xEF, 0xBB, 0xBF, ..] => Some((Self::Utf8, 3)),
            [] | [0xFF | 0xFE | 0xEF] | [0xEF, 0xBB] => None,
            _ => Some((Self::Utf8, 0)),
        }
    }
}

impl Utf16 {
    fn new(unit_of: fn([u8; 2]) -> u16) -> Self {
        Self { unit_of, half: None, high: None }
    }

    /// The next piece of the text in UTF-8.
    pub(super) fn decode(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut text = Vec::with_capacity(piece.len());
        for &byte in piece {
            match self.half.take() {
                None => self.half = Some(byte),
                Some(first) => self.take((self.unit_of)([first, byte]), &mut text),
            }
        }
        text
    }

    /// What the end of the file leaves half done.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        let is_half = self.half.take().is_some() | self.high.take().is_some();
        if is_half { vec![NO_TEXT] } else { Vec::new() }
    }

    fn take(&mut self, unit: u16, text: &mut Vec<u8>) {
        let high = self.high.take();
        if (0xD800..0xDC00).contains(&unit) {
            self.high = Some(unit);
            text.extend(high.map(|_| NO_TEXT));
            return;
        }
        for character in char::decode_utf16(high.into_iter().chain([unit])) {
            match character {
                Ok(character) => {
                    text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                Err(_) => text.push(NO_TEXT),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], size: usize) -> Vec<u8> {
        let Some((Encoding::Utf16(mut utf16), 2)) = Encoding::of(bytes) else { panic!("UTF-16") };
        let mut text: Vec<u8> =
            bytes[2..].chunks(size).flat_map(|piece| utf16.decode(piece)).collect();
        text.extend(utf16.finish());
        text
    }

    #[test]
    fn text_in_pairs_of_bytes_is_read_in_pieces_of_any_size() {
        let text = "code\r\nC\u{e4}\u{20ac}\u{1f381}\r\n";
        for bytes_of in [u16::to_le_bytes, u16::to_be_bytes] {
            let units = [0xFEFF].into_iter().chain(text.encode_utf16());
            let bytes: Vec<u8> = units.flat_map(bytes_of).collect();
            for size in 1..bytes.len() {
                assert_eq!(String::from_utf8(read(&bytes, size)).unwrap(), text, "{size}");
            }
        }
    }

    #[test]
    fn what_is_no_character_is_no_text() {
        for (units, text) in [
            (&[0xD83C][..], &b"\xFF"[..]),
            (&[0xD83C, 0x41], b"\xFFA"),
            (&[0xDF81, 0x41], b"\xFFA"),
            (&[0xD83C, 0xD83C, 0xDF81], b"\xFF\xF0\x9F\x8E\x81"),
        ] {
            let units = [0xFEFF].into_iter().chain(units.iter().copied());
            let mut bytes: Vec<u8> = units.flat_map(u16::to_le_bytes).collect();
            assert_eq!(read(&bytes, 3), text, "{bytes:?}");
            bytes.push(0x41);
            assert_eq!(read(&bytes, 3).last(), Some(&NO_TEXT), "half a unit");
        }
    }
}
