//! The `[postgres]` section: the database that outcomes are copied to.

use crate::postgres_url::{PostgresUrl, WrongPostgresUrl};
use crate::reader::Reader;
use crate::tls_files::TlsFiles;

/// The database that outcomes are copied to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Postgres {
    /// Where it is, with user and password; `None`: there is none.
    pub url: Option<PostgresUrl>,
    /// Where a replica of it is, which `redeemd verify` asks instead; `None`: there is none. The
    /// server itself asks it nothing.
    pub replica_url: Option<PostgresUrl>,
    /// The files of connections with TLS, to either of them.
    pub tls: TlsFiles,
    /// Whether the server makes and changes its tables itself.
    pub migrate: bool,
    /// Connections at most, and batches that are written at once, 1 to 32.
    pub pool_size: u32,
    /// Rows that a batch may have, 1,000 to 1,000,000. One outcome may bring it above.
    pub max_batch_rows: usize,
    /// Milliseconds for which outcomes may gather where there are few, 10 to 60,000.
    pub interval_ms: u64,
    /// Milliseconds that making a connection may take, 100 to 60,000.
    pub connect_timeout_ms: u64,
    /// Milliseconds that a batch may take, 1,000 to 600,000.
    pub batch_timeout_ms: u64,
    /// The longest time between two attempts while it is away, in milliseconds, 500 to 600,000.
    pub max_retry_delay_ms: u64,
    /// Entries that it may be behind before health says so, 1,000 to 1,000,000,000,000.
    pub max_lag: u64,
    /// Bytes of the ledger's log that may wait for it before nothing can be changed any more; 0 is
    /// without a bound.
    pub max_backlog_bytes: u64,
}

impl Postgres {
    pub(crate) fn read(reader: &mut Reader) -> Self {
        let fallback = Self::default();
        let postgres = Self {
            url: read_url(reader, "postgres.url"),
            replica_url: read_url(reader, "postgres.replica_url"),
            tls: TlsFiles::read(reader, "postgres"),
            migrate: reader.switch("postgres.migrate", fallback.migrate),
            pool_size: reader.integer("postgres.pool_size", 1..=32, fallback.pool_size),
            max_batch_rows: reader.integer(
                "postgres.max_batch_rows",
                1_000..=1_000_000,
                fallback.max_batch_rows,
            ),
            interval_ms: reader.integer("postgres.interval_ms", 10..=60_000, fallback.interval_ms),
            connect_timeout_ms: reader.integer(
                "postgres.connect_timeout_ms",
                100..=60_000,
                fallback.connect_timeout_ms,
            ),
            batch_timeout_ms: reader.integer(
                "postgres.batch_timeout_ms",
                1_000..=600_000,
                fallback.batch_timeout_ms,
            ),
            max_retry_delay_ms: reader.integer(
                "postgres.max_retry_delay_ms",
                500..=600_000,
                fallback.max_retry_delay_ms,
            ),
            max_lag: reader.integer(
                "postgres.max_lag",
                1_000..=1_000_000_000_000,
                fallback.max_lag,
            ),
            max_backlog_bytes: reader.integer(
                "postgres.max_backlog_bytes",
                0..=1 << 50,
                fallback.max_backlog_bytes,
            ),
        };
        let urls = [&postgres.url, &postgres.replica_url];
        if postgres.url.is_some() {
            let is_encrypted = urls.into_iter().flatten().any(|url| url.is_encrypted);
            postgres.tls.judge(reader, "postgres", is_encrypted, "with sslmode=require");
        }
        postgres
    }
}

impl Default for Postgres {
    fn default() -> Self {
        Self {
            url: None,
            replica_url: None,
            tls: TlsFiles::default(),
            migrate: true,
            pool_size: 2,
            max_batch_rows: 50_000,
            interval_ms: 500,
            connect_timeout_ms: 5_000,
            batch_timeout_ms: 60_000,
            max_retry_delay_ms: 30_000,
            max_lag: 100_000,
            max_backlog_bytes: 64 << 30,
        }
    }
}

/// Reads a URL. Whether a driver understands the rest of it is judged by who has one.
fn read_url(reader: &mut Reader, key: &str) -> Option<PostgresUrl> {
    let text = reader.secret(key);
    if text.is_empty() {
        return None;
    }
    let refused = |wrong: WrongPostgresUrl| reader.refuse_unshown(key, wrong.accepted());
    PostgresUrl::parse(text.expose()).map_err(refused).ok()
}
