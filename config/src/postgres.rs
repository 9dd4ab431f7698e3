//! The `[postgres]` section: the database that outcomes are copied to.

use crate::reader::Reader;
use crate::secret_text::SecretText;

/// The database that outcomes are copied to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Postgres {
    /// Where it is, with user and password; empty: there is none.
    pub url: SecretText,
    /// Where a replica of it is, which `redeemd verify` asks instead; empty: there is none. The
    /// server itself asks it nothing.
    pub replica_url: SecretText,
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
        Self {
            url: read_url(reader, "postgres.url"),
            replica_url: read_url(reader, "postgres.replica_url"),
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
        }
    }
}

impl Default for Postgres {
    fn default() -> Self {
        Self {
            url: SecretText::default(),
            replica_url: SecretText::default(),
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
fn read_url(reader: &mut Reader, key: &str) -> SecretText {
    let url = reader.secret(key);
    let is_url =
        ["postgres://", "postgresql://"].iter().any(|scheme| url.expose().starts_with(scheme));
    if !url.is_empty() && !is_url {
        reader.refuse_unshown(
            key,
            "the URL of a database, such as postgres://user:password@host:5432/database, or nothing",
        );
    }
    url
}
