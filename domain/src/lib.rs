//! The pure middle of redeemd: codes, campaigns, slots, commands, outcomes and the state machine
//! that turns one into the other.
//!
//! Nothing here reads a clock, draws a random number, or knows of tokio, actix, a store, SQL or
//! HTTP. Time, identities and configuration arrive inside a command, so that live running, replay
//! after a crash and a follower in a cluster run the same lines and reach the same state.

mod append;
pub mod campaign;
pub mod codes;
pub mod control;
pub mod delivery;
pub mod entry;
pub mod identifier;
pub mod invariant;
pub mod machine;
pub mod progress;
pub mod recent;
pub mod record;
pub mod refusal;
pub mod request;
pub mod rules;
pub mod sequence;
pub mod shard;
pub mod slot;
pub mod timestamp;
pub use append::{append, decode};
