//! What came of bringing codes in: counts, and what was wrong with rows. No code stands here.

use serde::{Deserialize, Serialize};

use crate::codes::UnusableText;

/// The most rejected rows that are kept of one import; the others are only counted.
pub const MAX_REJECTED_ROWS: usize = 1_000;

/// What came of the rows of one import. Every row that is not blank is counted once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// Codes that were new.
    pub imported: u64,
    /// Codes that existed already, in whichever campaign; the second of two equal ones, too.
    pub duplicates: u64,
    /// Rows that are no code.
    pub rejected_count: u64,
    /// The first of those rows, at most [`MAX_REJECTED_ROWS`].
    pub rejected: Vec<RejectedRow>,
}

/// The most lines that are kept of what stood out in one import.
pub const MAX_REMARKED_LINES: usize = 100;

/// A code with fewer characters can be guessed by trying. Those of a pattern are refused for that;
/// codes that were made elsewhere are what they are, and whoever brings them is told.
pub const SHORT_CODE_CHARACTERS: usize = 6;

/// What stood out among the codes of one import.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remarks {
    /// How many of the duplicates belong to another campaign: nobody can redeem them in this one.
    pub elsewhere: u64,
    /// The first lines with one, in their order, at most [`MAX_REMARKED_LINES`].
    pub elsewhere_lines: Vec<u64>,
    /// How many codes, new or not, have fewer than [`SHORT_CODE_CHARACTERS`] characters.
    pub short: u64,
}

impl Remarks {
    /// Counts a duplicate that belongs to another campaign, and keeps its line if it is among the
    /// first. Duplicates are not found in the order of their lines.
    pub fn found_elsewhere(&mut self, line: u64) {
        self.elsewhere += 1;
        let place = self.elsewhere_lines.partition_point(|&other| other <= line);
        if place < MAX_REMARKED_LINES {
            self.elsewhere_lines.insert(place, line);
            self.elsewhere_lines.truncate(MAX_REMARKED_LINES);
        }
    }
}

/// A row that is no code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedRow {
    /// The line on which the row begins, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub fault: RowFault,
}

/// What can be wrong with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RowFault {
    /// There is nothing in it, or nothing but separators.
    Empty,
    /// It has too many characters for a code.
    TooLong,
    /// It has a control character.
    ControlCharacter,
    /// It has the form of a sealed code.
    ReservedText,
    /// It is no row of this form of file.
    Malformed,
}

impl Import {
    /// Counts a row that is no code, and keeps it if there is room.
    pub fn reject(&mut self, line: u64, fault: RowFault) {
        self.rejected_count += 1;
        if self.rejected.len() < MAX_REJECTED_ROWS {
            self.rejected.push(RejectedRow { line, fault });
        }
    }
}

impl From<UnusableText> for RowFault {
    fn from(fault: UnusableText) -> Self {
        match fault {
            UnusableText::Empty => Self::Empty,
            UnusableText::TooLong => Self::TooLong,
            UnusableText::ControlCharacter => Self::ControlCharacter,
            UnusableText::ReservedText => Self::ReservedText,
        }
    }
}
