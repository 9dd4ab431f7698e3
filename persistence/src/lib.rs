//! Everything that redeemd keeps on disk: the journal, the ledger and the snapshots, all of them
//! above one small [`disk`] trait, so that a simulator can own every byte and every sync. And what
//! servers share through Redis ([`shared`]).
//!
//! Nothing here knows of HTTP or of actors.

pub mod backup;
pub mod data_directory;
pub mod disk;
pub mod exchange;
pub mod journal;
pub mod ledger;
pub mod postgres;
pub mod shared;
pub mod snapshot;
pub mod tls;
