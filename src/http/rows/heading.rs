//! The first line of comma-separated values: whether it names columns, what stands between them,
//! and which column has the codes.
//!
//! A name that is taken for a code can be redeemed by whoever guesses it, and a code that is taken
//! for a name is lost. So what is not clear is refused, before anything is imported.

use csv_core::{ReadFieldResult, Reader, ReaderBuilder};

use super::{LONGEST_ROW, Unreadable};

/// The name of the column with the codes where none is given, in any case.
const COLUMN: &str = "code";

/// What may stand between columns: what RFC 4180 says, what Excel writes where the comma is the
/// decimal point, and what it writes as text.
const DELIMITERS: [u8; 3] = *b",;\t";

/// The most bytes of a name that are compared: more than any word that is known here.
const NAME_BYTES: usize = 512;

/// What a column with codes is called elsewhere, in lower case without anything between words.
/// None of it can be told from a code that somebody imports.
const OTHER_NAMES: [&str; 34] = [
    "aktionscode",
    "codes",
    "coupon",
    "couponcode",
    "couponcodes",
    "coupons",
    "discountcode",
    "discountcodes",
    "gamekey",
    "giftcard",
    "giftcards",
    "giftcode",
    "gutschein",
    "gutscheincode",
    "gutscheincodes",
    "gutscheine",
    "gutscheinnummer",
    "key",
    "keys",
    "licencekey",
    "licensekey",
    "number",
    "nummer",
    "productkey",
    "promo",
    "promocode",
    "promocodes",
    "rabattcode",
    "serial",
    "serialnumber",
    "voucher",
    "vouchercode",
    "vouchercodes",
    "vouchers",
];

/// What is wrong with a first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum HeadingFault {
    /// It has zeros, as no text has: a spreadsheet's own file, a packed one, or UTF-16 that does
    /// not say so.
    NoText,
    /// It is JSON.
    Json,
    /// It has several columns, and none of them is called `code`.
    NoColumn,
    /// It has no column of the name that was asked for.
    NotThatColumn,
    /// It may be the name of a column, or a code.
    Unclear,
}

/// What a first line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Heading {
    /// What stands between columns.
    pub delimiter: u8,
    /// Which column has the codes, from 0.
    pub column: usize,
    /// Whether the line names columns; otherwise it is the first code.
    pub is_named: bool,
}

impl Heading {
    /// Reads a first line, where the codes are wanted from the column of a name, or from the one
    /// that is called `code`, or from the only one.
    pub(super) fn of(line: &[u8], wanted: Option<&str>) -> Result<Self, HeadingFault> {
        if line.contains(&0) {
            return Err(HeadingFault::NoText);
        }
        if matches!(line.trim_ascii_start(), [b'{' | b'[', ..]) {
            return Err(HeadingFault::Json);
        }
        for delimiter in DELIMITERS {
            if let Some(column) = place_of(line, delimiter, wanted.unwrap_or(COLUMN)) {
                return Ok(Self { delimiter, column, is_named: true });
            }
        }
        if wanted.is_some() {
            return Err(HeadingFault::NotThatColumn);
        }
        if DELIMITERS.into_iter().any(|delimiter| has_several(line, delimiter)) {
            return Err(HeadingFault::NoColumn);
        }
        match is_other_name(line) {
            true => Err(HeadingFault::Unclear),
            false => Ok(Self { delimiter: b',', column: 0, is_named: false }),
        }
    }
}

/// The column of a name, in any case.
fn place_of(line: &[u8], delimiter: u8, name: &str) -> Option<usize> {
    let name = name.trim().to_lowercase();
    let mut found = None;
    fields(line, delimiter, |place, field| {
        let field = String::from_utf8_lossy(field);
        if found.is_none() && field.trim().to_lowercase() == name {
            found = Some(place);
        }
    });
    found
}

fn has_several(line: &[u8], delimiter: u8) -> bool {
    let mut is_several = false;
    fields(line, delimiter, |place, _| is_several |= place > 0);
    is_several
}

fn is_other_name(line: &[u8]) -> bool {
    let mut is_known = false;
    fields(line, b',', |_, field| {
        let name = String::from_utf8_lossy(field).to_lowercase();
        let name: String = name.chars().filter(|letter| letter.is_alphanumeric()).collect();
        is_known = OTHER_NAMES.contains(&name.as_str());
    });
    is_known
}

/// Visits the fields of a line with their places, from 0. Of a long one only the beginning is seen.
fn fields(mut line: &[u8], delimiter: u8, mut visit: impl FnMut(usize, &[u8])) {
    let mut reader: Reader = ReaderBuilder::new().delimiter(delimiter).build();
    let (mut place, mut field, mut buffer) = (0, Vec::new(), [0; NAME_BYTES]);
    loop {
        let (result, read, written) = reader.read_field(line, &mut buffer);
        let room = NAME_BYTES.saturating_sub(field.len());
        field.extend(buffer.iter().take(written.min(room)));
        line = line.get(read..).unwrap_or_default();
        match result {
            // An empty input is how the reader is told that the line has ended.
            ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
            ReadFieldResult::Field { record_end } => {
                visit(place, &field);
                field.clear();
                place += 1;
                if record_end {
                    return;
                }
            }
            ReadFieldResult::End => return,
        }
    }
}

/// Gathers the first line of a file that is not blank, without its end.
#[derive(Default)]
pub(super) struct FirstLine {
    /// The line, as far as it has come.
    pub bytes: Vec<u8>,
    /// How many lines stand before it.
    pub before: u64,
    at: Position,
}

/// Where in a line the reading is, so that a line's end within quotes is not taken for one.
#[derive(Clone, Copy, Default)]
enum Position {
    #[default]
    FieldBegins,
    Unquoted,
    Quoted,
    QuoteMayEnd,
}

impl FirstLine {
    /// Takes the next piece of the file. Gives what follows the line, from its end on, when it is
    /// complete.
    ///
    /// # Errors
    /// When the line is too long.
    pub(super) fn feed<'a>(&mut self, piece: &'a [u8]) -> Result<Option<&'a [u8]>, Unreadable> {
        for (place, &byte) in piece.iter().enumerate() {
            match byte {
                b'\n' | b'\r' if self.bytes.is_empty() => {
                    self.before += u64::from(byte == b'\n');
                    continue;
                }
                b'\n' | b'\r' if !matches!(self.at, Position::Quoted) => {
                    return Ok(piece.get(place..));
                }
                _ => {}
            }
            self.at = self.at.after(byte);
            self.bytes.push(byte);
            if self.bytes.len() > LONGEST_ROW {
                return Err(Unreadable::TooLong { line: self.before + 1 });
            }
        }
        Ok(None)
    }
}

impl Position {
    fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::FieldBegins | Self::QuoteMayEnd, b'"') => Self::Quoted,
            (Self::Quoted, b'"') => Self::QuoteMayEnd,
            (Self::Quoted, _) => Self::Quoted,
            (_, byte) if DELIMITERS.contains(&byte) => Self::FieldBegins,
            _ => Self::Unquoted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_lines_are_understood_or_refused() {
        let named = |delimiter, column| Ok(Heading { delimiter, column, is_named: true });
        let bare = Ok(Heading { delimiter: b',', column: 0, is_named: false });
        for (line, wanted, expected) in [
            ("code", None, named(b',', 0)),
            (" CODE ", None, named(b',', 0)),
            ("code;name", None, named(b';', 0)),
            ("name;\"Code\";x", None, named(b';', 1)),
            ("id\tcode", None, named(b'\t', 1)),
            ("\"a;code\",code", None, named(b',', 1)),
            ("code,code", None, named(b',', 0)),
            ("{\"code\":\"A\"}", None, Err(HeadingFault::Json)),
            (" [\"A\"]", None, Err(HeadingFault::Json)),
            ("voucher,name", None, Err(HeadingFault::NoColumn)),
            ("AAA;", None, Err(HeadingFault::NoColumn)),
            ("AAA\t5", None, Err(HeadingFault::NoColumn)),
            ("\"x\ny\",z", None, Err(HeadingFault::NoColumn)),
            ("voucher", None, Err(HeadingFault::Unclear)),
            ("\"Voucher Code\"", None, Err(HeadingFault::Unclear)),
            ("Gutschein-Code", None, Err(HeadingFault::Unclear)),
            ("GUTSCHEIN-2041", None, bare),
            ("\"A,B\"", None, bare),
            ("A\"B", None, bare),
            ("codex", None, bare),
            ("voucher", Some("Voucher"), named(b',', 0)),
            ("code;Gutschein Nr.", Some("gutschein nr."), named(b';', 1)),
            ("Größe;GRÜN", Some("grün"), named(b';', 1)),
            ("code;name", Some("voucher"), Err(HeadingFault::NotThatColumn)),
            ("AAA", Some("code"), Err(HeadingFault::NotThatColumn)),
        ] {
            assert_eq!(Heading::of(line.as_bytes(), wanted), expected, "{line:?} {wanted:?}");
        }
        assert!(OTHER_NAMES.is_sorted());
    }

    #[test]
    fn a_first_line_ends_outside_of_quotes() {
        for (text, line, before, rest) in [
            ("\n\r\nA\nB", "A", 2, "\nB"),
            ("A\"B\r\nC", "A\"B", 0, "\r\nC"),
            ("\"A\nB\",C\nD", "\"A\nB\",C", 0, "\nD"),
            ("\"A\"\"\n\"\nD", "\"A\"\"\n\"", 0, "\nD"),
            ("x;\"\n\"\nD", "x;\"\n\"", 0, "\nD"),
        ] {
            let mut first = FirstLine::default();
            assert_eq!(first.feed(text.as_bytes()), Ok(Some(rest.as_bytes())), "{text:?}");
            assert_eq!((first.bytes.as_slice(), first.before), (line.as_bytes(), before));
        }
        let endless = vec![b'x'; LONGEST_ROW + 1];
        let mut first = FirstLine::default();
        assert_eq!(first.feed(&endless), Err(Unreadable::TooLong { line: 1 }));
    }
}
