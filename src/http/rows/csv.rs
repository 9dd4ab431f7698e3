//! Rows of comma-separated values (RFC 4180), and of those that a spreadsheet separates otherwise.
//!
//! Quotes may stand where they like; a row never fails to parse, but it may be no text.

use csv_core::{ReadFieldResult, Reader, ReaderBuilder};

use super::heading::{FirstLine, Heading};
use super::{LONGEST_ROW, Unreadable};

/// How many bytes of a field are kept: more than the longest code has in any script.
const KEPT_BYTES: usize = 512;

/// See [`super::Rows`].
pub(super) struct CsvRows {
    /// The name of the column with the codes, where one was given.
    wanted: Option<Box<str>>,
    /// The first line, until it is complete.
    first: Option<FirstLine>,
    reader: Reader,
    buffer: [u8; KEPT_BYTES],
    /// The line that is being read, from 1.
    line: u64,
    /// The line on which the present row began; `None` between rows.
    begun: Option<u64>,
    /// How many bytes of the present row were read.
    row_bytes: usize,
    /// Which field of the present row is being read, from 0.
    place: usize,
    field: Vec<u8>,
    /// The field of the present row that stands in the column.
    code: Vec<u8>,
    /// Where the codes stand, from 0.
    column: usize,
    /// Whether the first line named the columns.
    is_named: bool,
}

impl CsvRows {
    /// A file whose codes stand in the column of this name, or in the one that is called `code`, or
    /// in the only one.
    pub(super) fn new(wanted: Option<&str>) -> Self {
        Self {
            wanted: wanted.map(Into::into),
            first: Some(FirstLine::default()),
            reader: Reader::new(),
            buffer: [0; KEPT_BYTES],
            line: 1,
            begun: None,
            row_bytes: 0,
            place: 0,
            field: Vec::new(),
            code: Vec::new(),
            column: 0,
            is_named: false,
        }
    }

    pub(super) fn feed(
        &mut self,
        piece: &[u8],
        visit: &mut impl FnMut(u64, Option<&str>),
    ) -> Result<(), Unreadable> {
        let Some(first) = &mut self.first else { return self.feed_rows(piece, visit) };
        let Some(rest) = first.feed(piece)? else { return Ok(()) };
        self.end_first_line(visit)?;
        self.feed_rows(rest, visit)
    }

    pub(super) fn finish(
        &mut self,
        visit: &mut impl FnMut(u64, Option<&str>),
    ) -> Result<(), Unreadable> {
        if self.first.as_ref().is_some_and(|first| !first.bytes.is_empty()) {
            self.end_first_line(visit)?;
        }
        // Without input the reader gives what it has, field by field.
        while self.begun.is_some() {
            let (result, _, written) = self.reader.read_field(&[], &mut self.buffer);
            if matches!(result, ReadFieldResult::End) {
                break;
            }
            self.take(result, written, visit);
        }
        Ok(())
    }

    /// The first line is complete: understands it, and reads it as a row if it is one.
    fn end_first_line(
        &mut self,
        visit: &mut impl FnMut(u64, Option<&str>),
    ) -> Result<(), Unreadable> {
        let Some(first) = self.first.take() else { return Ok(()) };
        let heading = Heading::of(&first.bytes, self.wanted.as_deref());
        let Heading { delimiter, column, is_named } = heading.map_err(Unreadable::Heading)?;
        self.reader = ReaderBuilder::new().delimiter(delimiter).build();
        (self.column, self.is_named) = (column, is_named);
        self.line += first.before;
        match is_named {
            true => self.line += line_ends(&first.bytes),
            false => self.feed_rows(&first.bytes, visit)?,
        }
        Ok(())
    }

    fn feed_rows(
        &mut self,
        mut input: &[u8],
        visit: &mut impl FnMut(u64, Option<&str>),
    ) -> Result<(), Unreadable> {
        while let Some((&first, rest)) = input.split_first() {
            let begun = match (self.begun, first) {
                (None, b'\n' | b'\r') => {
                    self.line += u64::from(first == b'\n');
                    input = rest;
                    continue;
                }
                (None, _) => *self.begun.insert(self.line),
                (Some(begun), _) => begun,
            };
            let (result, read, written) = self.reader.read_field(input, &mut self.buffer);
            let (taken, rest) = input.split_at_checked(read).unwrap_or((input, &[]));
            self.line += line_ends(taken);
            self.row_bytes += taken.len();
            if self.row_bytes > LONGEST_ROW {
                return Err(Unreadable::TooLong { line: begun });
            }
            input = rest;
            self.take(result, written, visit);
        }
        Ok(())
    }

    fn take(
        &mut self,
        result: ReadFieldResult,
        written: usize,
        visit: &mut impl FnMut(u64, Option<&str>),
    ) {
        let room = KEPT_BYTES.saturating_sub(self.field.len());
        self.field.extend(self.buffer.iter().take(written.min(room)));
        if let ReadFieldResult::Field { record_end } = result {
            self.end_field();
            if record_end {
                self.end_row(visit);
            }
        }
    }

    fn end_field(&mut self) {
        if self.place == self.column {
            std::mem::swap(&mut self.code, &mut self.field);
        }
        self.field.clear();
        self.place += 1;
    }

    fn end_row(&mut self, visit: &mut impl FnMut(u64, Option<&str>)) {
        let begun = self.begun.take().unwrap_or(self.line);
        // Without a named column a row is a code and nothing else. What has several columns stands
        // below a title, or in a file that was put together wrongly.
        let has_columns = !self.is_named && (self.place > 1 || self.code.contains(&b';'));
        visit(begun, if has_columns { None } else { text(&self.code) });
        self.code.clear();
        self.row_bytes = 0;
        self.place = 0;
    }
}

fn line_ends(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|&&byte| byte == b'\n').count() as u64
}

/// The text of a field. One that was cut short may have lost a part of its last character, and is
/// too long in any case.
fn text(field: &[u8]) -> Option<&str> {
    match std::str::from_utf8(field) {
        Ok(text) => Some(text),
        Err(error) if field.len() == KEPT_BYTES && error.error_len().is_none() => {
            field.get(..error.valid_up_to()).and_then(|field| std::str::from_utf8(field).ok())
        }
        Err(_) => None,
    }
}

impl std::fmt::Debug for CsvRows {
    /// Without what was read, which may be a code.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("CsvRows").field("line", &self.line).finish_non_exhaustive()
    }
}
