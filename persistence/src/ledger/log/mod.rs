//! The log: the ledger's primary data. Numbered files of blocks, written once, from front to end.
//!
//! `ledger/log/0000000001.records` and so on hold a header and blocks. A closed file has a
//! `.directory` beside it, a table derived from it that says where its blocks lie; the file being
//! written has its directory in memory. Only the last file can have an end that was never
//! committed; a fault anywhere else is damage and is refused with its place.
//!
//! Nothing here knows what the records mean or how they are found by key.

mod blocks;
mod cut;
mod damage;
mod directory;
mod distance;
mod file_header;
mod following;
mod handles;
mod inspection;
mod recovery;
mod verification;
mod view;
mod window;
mod writer;

use super::error::{Error, Result};
pub(super) use blocks::Blocks;
pub use cut::{Cut, assess_cut, cut};
pub use damage::{Damage, assess_damage, lost_end};
pub use inspection::{Inspection, inspect};
pub(super) use recovery::recover;
pub(super) use verification::Verified;
pub(super) use view::Log;
pub(super) use writer::LogWriter;

/// The folder of the log.
pub(super) const FOLDER: &str = "ledger/log";

/// The path of a log file.
pub(super) fn records_path(file: u32) -> String {
    format!("{FOLDER}/{file:010}.records")
}

/// The path of a closed log file's directory.
pub(super) fn directory_path(file: u32) -> String {
    format!("{FOLDER}/{file:010}.directory")
}

/// The numbers of the log files, from 1 on without a gap.
fn file_numbers(names: &[String]) -> Result<Vec<u32>> {
    let numbers = numbers(names);
    if let Some((expected, _)) = (1..).zip(&numbers).find(|(expected, file)| expected != *file) {
        let reason = "the file is missing, though later ones are there".to_owned();
        return Err(Error::DamagedLog { path: records_path(expected), offset: 0, reason });
    }
    Ok(numbers)
}

/// The numbers of the log files, in order.
fn numbers(names: &[String]) -> Vec<u32> {
    let numbers = names.iter().filter_map(|name| name.strip_suffix(".records"));
    let mut numbers: Vec<u32> = numbers.filter_map(|number| number.parse().ok()).collect();
    numbers.sort_unstable();
    numbers
}
