//! Rows of comma-separated values (RFC 4180).
//!
//! Quotes may stand where they like; a row never fails to parse, but it may be no text.

use csv_core::{ReadFieldResult, Reader};

use super::{LONGEST_ROW, RowTooLong};

/// The name of the column with the codes, in any case.
const COLUMN: &str = "code";

/// How many bytes of a field are kept: more than the longest code has in any script.
const KEPT_BYTES: usize = 512;

/// See [`super::Rows`].
pub(super) struct CsvRows {
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
    column: Column,
}

/// Where the codes stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    /// Not known before the first row was read.
    Unknown,
    /// The first row, which is being read, names this one.
    Named(usize),
    /// In this column.
    Known(usize),
}

impl Default for CsvRows {
    fn default() -> Self {
        Self {
            reader: Reader::new(),
            buffer: [0; KEPT_BYTES],
            line: 1,
            begun: None,
            row_bytes: 0,
            place: 0,
            field: Vec::new(),
            code: Vec::new(),
            column: Column::Unknown,
        }
    }
}

impl CsvRows {
    pub(super) fn feed(
        &mut self,
        mut input: &[u8],
        visit: &mut impl FnMut(u64, Option<&str>),
    ) -> Result<(), RowTooLong> {
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
            self.line += taken.iter().filter(|&&byte| byte == b'\n').count() as u64;
            self.row_bytes += taken.len();
            if self.row_bytes > LONGEST_ROW {
                return Err(RowTooLong { line: begun });
            }
            input = rest;
            self.take(result, written, visit);
        }
        Ok(())
    }

    pub(super) fn finish(&mut self, visit: &mut impl FnMut(u64, Option<&str>)) {
        // Without input the reader gives what it has, field by field.
        while self.begun.is_some() {
            let (result, _, written) = self.reader.read_field(&[], &mut self.buffer);
            if matches!(result, ReadFieldResult::End) {
                break;
            }
            self.take(result, written, visit);
        }
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
        if self.column == Column::Unknown && is_column_name(&self.field) {
            self.column = Column::Named(self.place);
        }
        let column = match self.column {
            Column::Known(column) => column,
            Column::Unknown | Column::Named(_) => 0,
        };
        if self.place == column {
            std::mem::swap(&mut self.code, &mut self.field);
        }
        self.field.clear();
        self.place += 1;
    }

    fn end_row(&mut self, visit: &mut impl FnMut(u64, Option<&str>)) {
        let begun = self.begun.take().unwrap_or(self.line);
        match self.column {
            Column::Named(column) => self.column = Column::Known(column),
            Column::Unknown => {
                self.column = Column::Known(0);
                visit(begun, text(&self.code));
            }
            Column::Known(_) => visit(begun, text(&self.code)),
        }
        self.code.clear();
        self.row_bytes = 0;
        self.place = 0;
    }
}

fn is_column_name(field: &[u8]) -> bool {
    field.trim_ascii().eq_ignore_ascii_case(COLUMN.as_bytes())
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
