//! The actors of redeemd, and the plain values inside them.
//!
//! Each actor is a thin shell: what it decides is decided by a value without I/O ([`core`]), so
//! that a simulator can drive the same code with simulated time and a simulated disk. Nothing here
//! knows of HTTP, SQL or sled, and no actor waits for another: they exchange messages, every
//! mailbox is bounded, and what does not fit is answered, never dropped.

pub mod bookkeeping;
pub mod clock_watch;
pub mod confidence;
pub mod control_view;
pub mod core;
pub mod crash_point;
pub mod directory;
pub mod examination;
pub mod fatal;
pub mod journal_writer;
pub mod lease;
pub mod ledger_keeper;
pub mod ledger_record;
pub mod messages;
pub mod node;
pub mod policies;
pub mod port;
pub mod ports;
pub mod projector;
pub mod recovery;
pub mod replay;
pub mod sequence_actor;
pub mod sequenced;
pub mod snapshot_keeper;
pub mod status;
pub mod steward;
pub mod wall_clock;
