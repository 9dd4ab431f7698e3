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
mod file_header;
mod handles;
mod inspection;
mod recovery;
mod verification;
mod view;
mod window;
mod writer;

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
