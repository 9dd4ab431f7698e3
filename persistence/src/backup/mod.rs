//! Backups: everything of a data directory but the server's secret, in one file.
//!
//! The file is a tar archive, so that it can be looked into with what is on every machine:
//!
//! | entry | is |
//! | --- | --- |
//! | `backup.json` | the first: format, directory, shards, engine, epoch, time ([`Description`]) |
//! | `snapshots/…` | the snapshots, as they are stored |
//! | `ledger/log/…` | the log of the ledger, as far as it was durable; its index is derived from it |
//! | `journal/0000000001.blocks` … | the journal's blocks one after the other, the anchor first, in the form that every engine shares |
//! | `manifest.json` | the length and the SHA-256 of every entry before it, and where each sequence ends ([`Manifest`]) |
//! | `end.json` | the last: the length and the SHA-256 of the whole file before it |
//!
//! It is consistent though the server goes on: snapshots come first, then the ledger, and then the
//! end of the journal is fixed, so that the journal covers whatever the others have seen. Nothing of
//! what is copied ever changes; only that the journal deletes nothing meanwhile, somebody else has to
//! see to.

mod contents;
mod error;
mod format;
mod reader;
mod restore;
mod streams;
mod writer;

#[cfg(test)]
mod tests;

pub use contents::Contents;
pub use error::{Error, Result};
pub use format::{Description, EntryDigest, FORMAT_VERSION, Manifest, SequenceEnd};
pub use reader::{Checked, check};
pub use restore::{Restored, restore};
pub use writer::write;
