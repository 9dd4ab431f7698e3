//! Tables: immutable sorted files of 16-byte entries, with fences and, where wanted, a filter.
//!
//! A run of the index and the directory of a closed log file are both tables. An entry is a `u128`
//! whose upper half is what is looked for (a hash, a position) and whose lower half is what is
//! found. Every page carries a checksum whose seed is the header's, so that neither a flipped bit
//! nor a page of another file passes. Nothing here knows what the entries mean.
//!
//! The file: one page of header; pages of entries; pages with the first entry of each of those
//! (fences); pages with the first entry of each fence page (top), which a reader keeps in memory,
//! 16 bytes for 65,025 entries; the blocks of the filter.

mod file;
mod filter;
mod header;
mod page;
mod scanner;
mod writer;

pub(super) use file::{CacheBudget, Table};
pub(super) use header::{Header, Kind};
pub(super) use scanner::Scanner;
pub(super) use writer::TableWriter;
