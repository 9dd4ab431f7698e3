//! The typed settings of redeemd: where they come from, what they may be, and what is in force.
//!
//! Four sources are laid over each other: `default.toml`, which is built in, a file, the
//! environment, and flags. Every problem of every source is found before anything opens, and all of
//! them are reported at once. This crate knows nothing of the parts that its settings are for: it
//! opens no socket and no store, and it reads the environment only as it is handed in.

mod changes;
mod clock;
mod describe;
mod error;
mod events;
mod holds;
mod http;
mod journal;
mod layer;
mod ledger;
mod limits;
mod log;
mod origin;
mod postgres;
mod postgres_url;
mod reader;
mod redemptions;
mod redis_section;
mod redis_url;
mod secret_text;
mod settings;
mod shards;
mod snapshots;
mod tls_files;

pub use changes::{Change, Effect};
pub use clock::Clock;
pub use describe::{Described, Description};
pub use error::{Error, Problem};
pub use events::Events;
pub use holds::Holds;
pub use http::Http;
pub use journal::{Journal, JournalEngine};
pub use ledger::Ledger;
pub use limits::Limits;
pub use log::{Log, LogFormat, LogLevel, LogRequests};
pub use postgres::Postgres;
pub use postgres_url::PostgresUrl;
pub use redemptions::Redemptions;
pub use redis_section::{Redis, RedisKind};
pub use redis_url::RedisUrl;
pub use secret_text::SecretText;
pub use settings::{LoadOptions, Settings};
pub use shards::Shards;
pub use snapshots::Snapshots;
pub use tls_files::TlsFiles;
