//! The index: from the hash of a key to the places of the records that have it, newest first.
//!
//! Entries gather in memory ([`memory`]), are written as sorted *runs* (tables under
//! `ledger/index/<first block>-<last block>.run`), and runs of similar size are merged, sixteen at a
//! time or more ([`merge`]). A run covers an explicit range of the log's blocks, so that what is
//! missing is known and can be indexed again from the log. Nothing here decides whether a record
//! really has the key that was looked for: its bytes do.

mod memory;
mod merge;
mod names;
mod recovery;
mod view;
mod writer;

pub(super) use recovery::{last_run, recover};
pub(super) use view::{Candidates, Index};
pub(super) use writer::IndexWriter;
pub use writer::Maintenance;

/// The folder of the index.
pub(super) const FOLDER: &str = "ledger/index";
