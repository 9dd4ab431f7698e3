//! The names of segments.

use super::super::space::FOLDER;

const EXTENSION: &str = ".segment";

/// The path of a segment.
pub(crate) fn path(index: u64) -> String {
    format!("{FOLDER}/{index:010}{EXTENSION}")
}

/// The index in a file's name, if it is that of a segment.
pub(crate) fn index(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(EXTENSION)?;
    let index = digits.parse().ok()?;
    (format!("{index:010}") == digits).then_some(index)
}
