//! Reads files of codes row by row, as they arrive: comma-separated values, or JSON lines.
//!
//! However large a file is, no more than a row of it is kept. It must never know which codes exist.

mod csv;
mod json_lines;

use csv::CsvRows;
use json_lines::JsonRows;

/// The most bytes of a row. What is longer is no list of codes.
pub(super) const LONGEST_ROW: usize = 64 * 1024;

/// What some programs put before UTF-8 text.
const BYTE_ORDER_MARK: [u8; 3] = [0xEF, 0xBB, 0xBF];

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Comma-separated values (RFC 4180): the column called `code` in the first row, or else the
    /// first column.
    Csv,
    /// A line with `{"code":"…"}` for each code.
    JsonLines,
}

/// A row that has more than [`LONGEST_ROW`] bytes, and the line on which it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RowTooLong {
    /// The line, from 1.
    pub line: u64,
}

/// Reads one file. Rows are handed out with the line on which they begin, counted from 1, and the
/// text that shall be a code; without a text where they are no rows of the form. Blank lines are
/// passed over.
#[derive(Debug)]
pub(super) struct Rows {
    /// How many bytes of a byte order mark were seen; `None` behind the file's beginning.
    mark: Option<usize>,
    rows: FormRows,
}

#[derive(Debug)]
enum FormRows {
    Csv(Box<CsvRows>),
    JsonLines(JsonRows),
}

impl Rows {
    /// A file of this form, from its beginning.
    pub(super) fn new(form: Form) -> Self {
        let rows = match form {
            Form::Csv => FormRows::Csv(Box::default()),
            Form::JsonLines => FormRows::JsonLines(JsonRows::default()),
        };
        Self { mark: Some(0), rows }
    }

    /// Takes the next piece of the file, and hands out the rows that end in it.
    ///
    /// # Errors
    /// When a row is too long, after which nothing more can be read.
    pub(super) fn feed(
        &mut self,
        piece: &[u8],
        mut visit: impl FnMut(u64, Option<&str>),
    ) -> Result<(), RowTooLong> {
        let piece = self.without_mark(piece, &mut visit)?;
        self.rows.feed(piece, &mut visit)
    }

    /// The file has ended: hands out the last row, if no line end stood behind it.
    ///
    /// # Errors
    /// When that row is too long.
    pub(super) fn finish(
        mut self,
        mut visit: impl FnMut(u64, Option<&str>),
    ) -> Result<(), RowTooLong> {
        self.end_of_mark(&mut visit)?;
        match &mut self.rows {
            FormRows::Csv(rows) => rows.finish(&mut visit),
            FormRows::JsonLines(rows) => rows.finish(&mut visit),
        }
        Ok(())
    }

    /// The rest of a piece behind a byte order mark, which may come in several pieces.
    fn without_mark<'a>(
        &mut self,
        mut piece: &'a [u8],
        visit: &mut impl FnMut(u64, Option<&str>),
    ) -> Result<&'a [u8], RowTooLong> {
        while let (Some(seen), Some((&byte, rest))) = (self.mark, piece.split_first()) {
            match BYTE_ORDER_MARK.get(seen) {
                Some(&wanted) if wanted == byte => {
                    self.mark = Some(seen + 1);
                    piece = rest;
                }
                Some(_) => self.end_of_mark(visit)?,
                None => self.mark = None,
            }
        }
        Ok(piece)
    }

    /// What began as a byte order mark and is none belongs to the file.
    fn end_of_mark(&mut self, visit: &mut impl FnMut(u64, Option<&str>)) -> Result<(), RowTooLong> {
        match self.mark.take() {
            Some(seen) if seen < BYTE_ORDER_MARK.len() => {
                let seen = BYTE_ORDER_MARK.get(..seen).unwrap_or_default();
                self.rows.feed(seen, visit)
            }
            _ => Ok(()),
        }
    }
}

impl FormRows {
    fn feed(
        &mut self,
        piece: &[u8],
        visit: &mut impl FnMut(u64, Option<&str>),
    ) -> Result<(), RowTooLong> {
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
    fn read(form: Form, file: &[u8], size: usize) -> Result<Read, RowTooLong> {
        let mut read = Vec::new();
        let mut rows = Rows::new(form);
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
            (b"\"A\"\n\"B,C\"\r\n", &[(1, Some("A")), (2, Some("B,C"))]),
            (b"\"A\"\"B\"\n\"C\nD\"\nE", &[(1, Some("A\"B")), (2, Some("C\nD")), (4, Some("E"))]),
            (
                b"id,Code \n1,A\n2\n3,\n4,B,x\n",
                &[(2, Some("A")), (3, Some("")), (4, Some("")), (5, Some("B"))],
            ),
            (b"\"code\",id\r\nA,1\r\n", &[(2, Some("A"))]),
            (b"A,1\nB,2\n", &[(1, Some("A")), (2, Some("B"))]),
            (b"A\ncode\n", &[(1, Some("A")), (2, Some("code"))]),
            (b" \n,\nA B\n", &[(1, Some(" ")), (2, Some("")), (3, Some("A B"))]),
            (b"A\xff\nB\xc3\nC\n", &[(1, None), (2, None), (3, Some("C"))]),
            (b"A\"B\n", &[(1, Some("A\"B"))]),
            (b"\"A\nB", &[(1, Some("A\nB"))]),
        ] {
            check(Form::Csv, file, wanted);
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
                assert_eq!(read(form, long.as_bytes(), size), Err(RowTooLong { line: 3 }));
            }
            let endless = format!("{begin}{}", "x".repeat(LONGEST_ROW + 1));
            assert_eq!(read(form, endless.as_bytes(), 999), Err(RowTooLong { line: 3 }));
            let long = format!("{begin}{}{end}\nC\n", "x".repeat(LONGEST_ROW - 100));
            assert!(read(form, long.as_bytes(), 4096).is_ok());
        }
    }

    #[test]
    fn of_a_long_field_enough_is_kept_to_call_it_too_long() {
        let long = format!("A,{0}\n{0}\n", "\u{20ac}".repeat(5_000));
        let rows = read(Form::Csv, long.as_bytes(), 777).unwrap();
        let [(1, Some(one)), (2, Some(two))] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!(one, "A");
        assert!(two.chars().count() > 64 && two.len() < 1_000);
    }
}
