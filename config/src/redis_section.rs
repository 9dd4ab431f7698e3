//! The `[redis]` section: the server through which several servers count attempts together.

use crate::reader::Reader;
use crate::redis_url::RedisUrl;
use crate::secret_text::SecretText;
use crate::tls_files::TlsFiles;

/// The longest name that is given to something in Redis.
const LONGEST_NAME: usize = 64;

/// What kind of thing the URL names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RedisKind {
    /// One server.
    #[default]
    Server,
    /// Some nodes of a cluster.
    Cluster,
    /// Sentinels, which know the server.
    Sentinel,
}

/// The server through which several servers count attempts together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redis {
    /// Where it is; `None`: each server counts for itself.
    pub url: Option<RedisUrl>,
    /// What the URL names.
    pub kind: RedisKind,
    /// The name under which sentinels know the server.
    pub sentinel_master: String,
    /// The password of the sentinels; empty: they have none.
    pub sentinel_password: SecretText,
    /// The files of connections with TLS.
    pub tls: TlsFiles,
    /// What the names of keys and channels begin with: 1 to 64 letters, digits, `_`, `-`, `.`.
    pub prefix: String,
    /// Milliseconds after which an answer is too late, 1 to 1,000.
    pub slow_ms: u64,
    /// Milliseconds that making a connection may take, 100 to 60,000.
    pub connect_timeout_ms: u64,
    /// Requests that may wait for its answer at once, 1 to 100,000.
    pub max_in_flight: usize,
    /// Seconds at most between two attempts to go back to it, 1 to 60.
    pub max_retry_delay_seconds: u64,
}

impl Redis {
    pub(crate) fn read(reader: &mut Reader) -> Self {
        let fallback = Self::default();
        let kinds = [
            ("server", RedisKind::Server),
            ("cluster", RedisKind::Cluster),
            ("sentinel", RedisKind::Sentinel),
        ];
        let redis = Self {
            url: read_url(reader),
            kind: reader.choice("redis.kind", &kinds, fallback.kind),
            sentinel_master: read_name(reader, "redis.sentinel_master", fallback.sentinel_master),
            sentinel_password: reader.secret("redis.sentinel_password"),
            tls: TlsFiles::read(reader, "redis"),
            prefix: read_name(reader, "redis.prefix", fallback.prefix),
            slow_ms: reader.integer("redis.slow_ms", 1..=1_000, fallback.slow_ms),
            connect_timeout_ms: reader.integer(
                "redis.connect_timeout_ms",
                100..=60_000,
                fallback.connect_timeout_ms,
            ),
            max_in_flight: reader.integer(
                "redis.max_in_flight",
                1..=100_000,
                fallback.max_in_flight,
            ),
            max_retry_delay_seconds: reader.integer(
                "redis.max_retry_delay_seconds",
                1..=60,
                fallback.max_retry_delay_seconds,
            ),
        };
        redis.judge(reader);
        redis
    }

    /// Whether the settings go together.
    fn judge(&self, reader: &mut Reader) {
        let Some(url) = &self.url else { return };
        if self.kind == RedisKind::Server && url.hosts.len() > 1 {
            reader.refuse("redis.kind", "\"cluster\" or \"sentinel\", where redis.url has hosts");
        }
        if self.kind == RedisKind::Cluster && url.database != 0 {
            reader.refuse("redis.kind", "another than \"cluster\", where redis.url has a database");
        }
        let encrypted_url = "that begins with rediss://";
        self.tls.judge(reader, "redis", url.is_encrypted, encrypted_url);
    }
}

impl Default for Redis {
    fn default() -> Self {
        Self {
            url: None,
            kind: RedisKind::Server,
            sentinel_master: "mymaster".to_owned(),
            sentinel_password: SecretText::default(),
            tls: TlsFiles::default(),
            prefix: "redeemd".to_owned(),
            slow_ms: 20,
            connect_timeout_ms: 2_000,
            max_in_flight: 1_024,
            max_retry_delay_seconds: 5,
        }
    }
}

fn read_url(reader: &mut Reader) -> Option<RedisUrl> {
    let text = reader.secret("redis.url");
    let url = RedisUrl::parse(text.expose());
    if url.is_none() && !text.is_empty() {
        reader.refuse_unshown(
            "redis.url",
            "the URL of a Redis server, such as redis://user:password@host:6379/0 or, with TLS, \
             rediss://host:6379; for a cluster or sentinels, up to 32 hosts with commas between \
             them; or nothing",
        );
    }
    url
}

/// Reads what may stand in the name of a key: braces would put all keys in one slot of a cluster.
fn read_name(reader: &mut Reader, key: &str, fallback: String) -> String {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    let is_name =
        |text: &str| (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(is_part);
    let accepted = format!("1 to {LONGEST_NAME} letters, digits, '_', '-' or '.'");
    reader.checked_text(key, &accepted, is_name, fallback)
}
