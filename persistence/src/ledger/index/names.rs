//! The names of runs: which blocks of the log they cover.

use super::FOLDER;

/// The path of the run that covers these blocks. Fifteen digits hold every block number, and
/// sorted names are sorted ranges.
pub(super) fn run_path(first_block: u64, last_block: u64) -> String {
    format!("{FOLDER}/{first_block:015}-{last_block:015}.run")
}

/// The blocks that a run covers by its name.
pub(super) fn parse(name: &str) -> Option<(u64, u64)> {
    let (first, last) = name.strip_suffix(".run")?.split_once('-')?;
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first >= 1 && first <= last).then_some((first, last))
}
