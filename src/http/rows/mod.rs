//! Reads files of codes row by row, as they arrive: comma-separated values, or JSON lines.
//!
//! However large a file is, no more than a row of it is kept. It must never know which codes exist.

mod csv;
mod encoding;
mod heading;
mod json_lines;

use csv::CsvRows;
use encoding::Encoding;
pub(super) use heading::HeadingFault;
use json_lines::JsonRows;

/// The most bytes of a row. What is longer is no list of codes.
pub(super) const LONGEST_ROW: usize = 64 * 1024;

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Comma-separated values (RFC 4180), maybe with semicolons or tabs instead: the column called
    /// `code` in the first row, or the only column.
    Csv,
    /// A line with `{"code":"…"}` for each code.
    JsonLines,
}

/// Why a file is no list of codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// A row has more than [`LONGEST_ROW`] bytes.
    TooLong {
        /// The line on which it begins, from 1.
        line: u64,
    },
    /// Nobody can tell by its first line where the codes stand. No row was handed out.
    Heading(HeadingFault),
}

/// Reads one file. Rows are handed out with the line on which they begin, counted from 1, and the
/// text that shall be a code; without a text where they are no rows of the form. Blank lines are
/// passed over.
#[derive(Debug)]
pub(super) struct Rows {
    /// The first bytes, until they tell the encoding.
    begin: Vec<u8>,
    encoding: Option<Encoding>,
    rows: FormRows,
}

#[derive(Debug)]
enum FormRows {
    Csv(Box<CsvRows>),
    JsonLines(JsonRows),
}

impl Rows {
    /// A file of this form, from its beginning. Codes of comma-separated values stand in the column
    /// of this name, where one is given.
    pub(super) fn new(form: Form, column: Option<&str>) -> Self {
        let rows = match form {
            Form::Csv => FormRows::Csv(Box::new(CsvRows::new(column))),
            Form::JsonLines => FormRows::JsonLines(JsonRows::default()),
        };
        Self { begin: Vec::new(), encoding: None, rows }
    }

    /// Takes the next piece of the file, and hands out the rows that end in it.
    ///
    /// # Errors
    /// When it is no list of codes, after which nothing more can be read.
    pub(super) fn feed(
        &mut self,
        mut piece: &[u8],
        mut visit: impl FnMut(u64, Option<&str>),
    ) -> Result<(), Unreadable> {
        while self.encoding.is_none() {
            let Some((&byte, rest)) = piece.split_first() else { return Ok(()) };
            self.begin.push(byte);
            piece = rest;
            if let Some((encoding, mark)) = Encoding::of(&self.begin) {
                self.encoding = Some(encoding);
                let begin = std::mem::take(&mut self.begin);
                self.decode(begin.get(mark..).unwrap_or_default(), &mut visit)?;
            }
        }
        self.decode(piece, &mut visit)
    }

    /// The file has ended: hands out the last row, if no line end stood behind it.
    ///
    /// # Errors
    /// As [`Rows::feed`].
    pub(super) fn finish(
        mut self,
        mut visit: impl FnMut(u64, Option<&str>),
    ) -> Result<(), Unreadable> {
        match &mut self.encoding {
            // What began as a byte order mark and is none belongs to the file.
            None => self.rows.feed(&self.begin, &mut visit)?,
            Some(Encoding::Utf16(utf16)) => self.rows.feed(&utf16.finish(), &mut visit)?,
            Some(Encoding::Utf8) => {}
        }
        match &mut self.rows {
            FormRows::Csv(rows) => rows.finish(&mut visit)?,
            FormRows::JsonLines(rows) => rows.finish(&mut visit),
        }
        Ok(())
    }

    fn decode(
        &mut self,
        piece: &[u8],
        visit: &mut impl FnMut(u64, Option<&str>),
    ) -> Result<(), Unreadable> {
        match &mut self.encoding {
            Some(Encoding::Utf16(utf16)) => self.rows.feed(&utf16.decode(piece), visit),
            Some(Encoding::Utf8) | None => self.rows.feed(piece, visit),
        }
    }
}

impl FormRows {
    fn feed(
        &mut self,
        piece: &[u8],
        visit: &mut impl FnMut(u64, Option<&str>),
    ) -> Result<(), Unreadable> {
        match self {
            Self::Csv(rows) => rows.feed(piece, visit),
            Self::JsonLines(rows) => rows.feed(piece, visit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Read = Vec<(u64, Option<String>)>;

    /// The rows of a file that comes in pieces of a size.
    fn read(form: Form, file: &[u8], size: usize) -> Result<Read, Unreadable> {
        let mut read = Vec::new();
        let mut rows = Rows::new(form, None);
        let mut visit = |line, text: Option<&str>| read.push((line, text.map(str::to_owned)));
        for piece in file.chunks(size) {
            rows.feed(piece, &mut visit)?;
        }
        rows.finish(&mut visit)?;
        Ok(read)
    }

    fn check(form: Form, file: &[u8], wanted: &[(u64, Option<&str>)]) {
        let wanted: Read =
            wanted.iter().map(|(line, text)| (*line, text.map(str::to_owned))).collect();
        for size in [1, 2, 3, 5, 7, file.len().max(1)] {
            let shown = String::from_utf8_lossy(file);
            assert_eq!(read(form, file, size), Ok(wanted.clone()), "{shown:?} by {size}");
        }
    }

    #[test]
    fn comma_separated_values() {
        for (file, wanted) in [
            (&b""[..], &[][..]),
            (b"A\nB\n", &[(1, Some("A")), (2, Some("B"))]),
            (b"A\r\nB", &[(1, Some("A")), (2, Some("B"))]),
            (b"A\rB\r", &[(1, Some("A")), (1, Some("B"))]),
            (b"\n\r\n\nA\n\n\nB\n\n", &[(4, Some("A")), (7, Some("B"))]),
            (b"\xEF\xBB\xBFcode\nA\n", &[(2, Some("A"))]),
            (b"\xEF\xBB\xBFA\n", &[(1, Some("A"))]),
            (b"\xEF\xBBA\n", &[(1, None)]),
            (b"\xEF\xBB", &[(1, None)]),
            (b"\xEF\xBB\xBF", &[]),
            (b"\xFF\xFEc\0o\0d\0e\0\t\0x\0\r\0\n\0A\0\xAC\x20", &[(2, Some("A\u{20ac}"))]),
            (b"\xFE\xFF\0A\0\n\0B", &[(1, Some("A")), (2, Some("B"))]),
            (b"\xFF\xFEA\0\n\0B\0\n", &[(1, Some("A")), (2, None)]),
            (b"\xFF\xFE", &[]),
            (b"\xFF", &[(1, None)]),
            (b"\"A\"\n\"B,C\"\r\n", &[(1, Some("A")), (2, Some("B,C"))]),
            (b"\"A\"\"B\"\n\"C\nD\"\nE", &[(1, Some("A\"B")), (2, Some("C\nD")), (4, Some("E"))]),
            (
                b"id,Code \n1,A\n2\n3,\n4,B,x\n",
                &[(2, Some("A")), (3, Some("")), (4, Some("")), (5, Some("B"))],
            ),
            (b"\"code\",id\r\nA,1\r\n", &[(2, Some("A"))]),
            (b"A\ncode\n", &[(1, Some("A")), (2, Some("code"))]),
            (b" \n,\nA B\n", &[(1, Some(" ")), (2, None), (3, Some("A B"))]),
            (b"A\nB,1\nC;1\nD\n", &[(1, Some("A")), (2, None), (3, None), (4, Some("D"))]),
            (b"id;Code\r\n1;A,B\r\n2;\"C;D\"", &[(2, Some("A,B")), (3, Some("C;D"))]),
            (b"\n\ncode\tid\nA;B\t1\n", &[(4, Some("A;B"))]),
            (b"\"code\",\"of\nwhat\"\nA,\n", &[(3, Some("A"))]),
            (b"code", &[]),
            (b"A\xff\nB\xc3\nC\n", &[(1, None), (2, None), (3, Some("C"))]),
            (b"A\"B\n", &[(1, Some("A\"B"))]),
            (b"\"A\nB", &[(1, Some("A\nB"))]),
        ] {
            check(Form::Csv, file, wanted);
        }
    }

    #[test]
    fn a_first_line_that_says_not_where_the_codes_stand_ends_the_file() {
        for (file, fault) in [
            ("voucher,name\nA,x\n", HeadingFault::NoColumn),
            ("voucher;name", HeadingFault::NoColumn),
            ("\nVouchers\nA\n", HeadingFault::Unclear),
            ("A\0\n\0B\0\n\0", HeadingFault::NoText),
            ("PK\u{3}\u{4}\u{14}\0\u{6}\0", HeadingFault::NoText),
        ] {
            for size in [1, 7, file.len()] {
                let wanted = Err(Unreadable::Heading(fault));
                assert_eq!(read(Form::Csv, file.as_bytes(), size), wanted, "{file:?} by {size}");
            }
        }
    }

    #[test]
    fn json_lines() {
        for (file, wanted) in [
            (&b""[..], &[][..]),
            (b"{\"code\":\"A\"}\n{\"code\":\"B\"}", &[(1, Some("A")), (2, Some("B"))]),
            (
                b"\xEF\xBB\xBF{\"code\":\"A\"}\r\n\r\n \n{ \"code\" : \"\\u0041\\n\" }\n",
                &[(1, Some("A")), (4, Some("A\n"))],
            ),
            (
                b"{\"code\":\"A\",\"x\":1}\n{}\n{\"code\":1}\nnull\n[\"A\"]\nA\n{\"code\":\"A\"",
                &[(1, None), (2, None), (3, None), (4, None), (5, None), (6, None), (7, None)],
            ),
            (b"{\"code\":\"A\",\"code\":\"B\"}\n{\"code\":\"\xff\"}\n", &[(1, None), (2, None)]),
            (b"{\"code\":\"A\"}{\"code\":\"B\"}\n", &[(1, None)]),
        ] {
            check(Form::JsonLines, file, wanted);
        }
    }

    #[test]
    fn a_row_without_end_ends_the_file() {
        for (form, begin, end) in [
            (Form::Csv, "A\nB\n\"", "\""),
            (Form::Csv, "A\nB\n", ","),
            (Form::JsonLines, "A\n\n{\"code\":\"", "\"}"),
        ] {
            let long = format!("{begin}{}{end}\nC\n", "x".repeat(LONGEST_ROW));
            for size in [1000, 4096, long.len()] {
                assert_eq!(read(form, long.as_bytes(), size), Err(Unreadable::TooLong { line: 3 }));
            }
            let endless = format!("{begin}{}", "x".repeat(LONGEST_ROW + 1));
            assert_eq!(read(form, endless.as_bytes(), 999), Err(Unreadable::TooLong { line: 3 }));
            let long = format!("{begin}{}{end}\nC\n", "x".repeat(LONGEST_ROW - 100));
            assert!(read(form, long.as_bytes(), 4096).is_ok());
        }
    }

    #[test]
    fn of_a_long_field_enough_is_kept_to_call_it_too_long() {
        let long = format!("code,x\nA,{0}\n{0}\n", "\u{20ac}".repeat(5_000));
        let rows = read(Form::Csv, long.as_bytes(), 777).unwrap();
        let [(2, Some(one)), (3, Some(two))] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!(one, "A");
        assert!(two.chars().count() > 64 && two.len() < 1_000);
    }
}
