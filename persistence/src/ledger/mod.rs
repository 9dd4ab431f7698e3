//! The ledger: the ordered record of outcomes, by sequence and number, with indexes by key.
//!
//! It has two halves. The *log* (`log`) is primary data: append-only files of checksummed,
//! chained blocks, never rewritten and never deleted. The *index* (`index`) is derived from the
//! log alone and repaired from it whenever something in it is missing or damaged.
//!
//! One [`Ledger`] writes, on a thread of its owner's; any number of [`LedgerReader`]s read, and see
//! everything that was appended, whether or not it is durable or indexed yet. There are no threads,
//! timers or random numbers in here, so that a simulator can drive it and see the same bytes twice.
//! What it writes, it writes in small portions, since it shares core and disk with the journal.
//!
//! Records are opaque bytes here: what an outcome means, how it is encoded, and which keys it has,
//! is not the ledger's to know.

mod batch;
mod block;
mod bytes;
mod error;
mod index;
mod key;
mod locator;
mod log;
mod reader;
mod room;
mod settings;
mod table;
mod verification;
mod writer;

#[cfg(test)]
mod tests;

pub use batch::{Batch, MAXIMUM_KEYS, MAXIMUM_RECORD_BYTES};
pub use error::{Error, Result};
pub use index::Maintenance;
pub use key::{Key, KeyHasher, KeyKind};
pub use locator::Locator;
pub use log::{Cut, Damage, Inspection, assess_cut, assess_damage, cut, inspect, lost_end};
pub use reader::{BackwardPage, LedgerReader, Match, Matches, Record, ScanPage};
pub use settings::Settings;
pub use verification::{FileListing, Verification};
pub use writer::{Ledger, Opened};
