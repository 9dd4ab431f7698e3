//! The `[http]` section: listeners and the bounds of what clients may do to them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ipnet::IpNet;

use crate::origin::origin;
use crate::reader::Reader;

/// The most networks that proxies may be in.
const MOST_PROXIES: usize = 64;

/// The most origins that pages may come from.
const MOST_ORIGINS: usize = 64;

/// How the HTTP interface is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// Address of the interface; port 0 lets the system pick a free one.
    pub listen: SocketAddr,
    /// Address of a listener of its own for health and metrics; without it they are served on
    /// [`listen`](Self::listen).
    pub operations_listen: Option<SocketAddr>,
    /// Threads that serve HTTP, 0 to 256; 0 means one for each core.
    pub workers: usize,
    /// Connections open at once over all workers, 1 to 1,000,000.
    pub max_connections: usize,
    /// Requests that each thread takes on at a time, 1 to 1,000,000; more are refused at once.
    pub max_in_flight: usize,
    /// Largest body of a request in bytes, 1 KiB to 64 MiB; see [`batch_body_limit_bytes`].
    ///
    /// [`batch_body_limit_bytes`]: Self::batch_body_limit_bytes
    pub body_limit_bytes: usize,
    /// Milliseconds that a client has to send a request's head, 100 to 600,000.
    pub request_timeout_ms: u64,
    /// Milliseconds that the server waits for a client that takes nothing of its answer, 1,000 to
    /// 600,000.
    pub stall_timeout_ms: u64,
    /// Seconds that an idle connection is kept, 0 to 3,600; 0 closes it after each answer.
    pub keep_alive_seconds: u64,
    /// Networks whose addresses are proxies of ours, at most 64: what they say of whom they speak for
    /// is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Origins whose pages may redeem and validate, at most 64, as browsers write them; `*` is every
    /// origin.
    pub allowed_origins: Vec<String>,
    /// Seconds between the moment when readiness is off and the one when nothing more is accepted, 0
    /// to 600, so that load balancers notice.
    pub shutdown_delay_seconds: u64,
    /// Seconds that requests may go on after the server was told to stop, 0 to 3,600.
    pub shutdown_grace_seconds: u64,
}

impl Http {
    /// Largest body of a batch in bytes: eight times that of a single request.
    pub fn batch_body_limit_bytes(&self) -> usize {
        self.body_limit_bytes.saturating_mul(8)
    }

    pub(crate) fn read(reader: &mut Reader) -> Self {
        let fallback = Self::default();
        let http = Self {
            listen: reader.address("http.listen", fallback.listen),
            operations_listen: reader.optional_address("http.operations_listen", fallback.listen),
            workers: reader.integer("http.workers", 0..=256, fallback.workers),
            max_connections: reader.integer(
                "http.max_connections",
                1..=1_000_000,
                fallback.max_connections,
            ),
            max_in_flight: reader.integer(
                "http.max_in_flight",
                1..=1_000_000,
                fallback.max_in_flight,
            ),
            body_limit_bytes: reader.integer(
                "http.body_limit_bytes",
                1024..=64 << 20,
                fallback.body_limit_bytes,
            ),
            request_timeout_ms: reader.integer(
                "http.request_timeout_ms",
                100..=600_000,
                fallback.request_timeout_ms,
            ),
            stall_timeout_ms: reader.integer(
                "http.stall_timeout_ms",
                1_000..=600_000,
                fallback.stall_timeout_ms,
            ),
            keep_alive_seconds: reader.integer(
                "http.keep_alive_seconds",
                0..=3_600,
                fallback.keep_alive_seconds,
            ),
            trusted_proxies: reader.list(
                "http.trusted_proxies",
                "a list of networks or addresses, such as 10.0.0.0/8 or 127.0.0.1",
                MOST_PROXIES,
                network,
            ),
            allowed_origins: reader.list(
                "http.allowed_origins",
                "a list of origins, such as https://shop.example.com, or \"*\"",
                MOST_ORIGINS,
                origin,
            ),
            shutdown_delay_seconds: reader.integer(
                "http.shutdown_delay_seconds",
                0..=600,
                fallback.shutdown_delay_seconds,
            ),
            shutdown_grace_seconds: reader.integer(
                "http.shutdown_grace_seconds",
                0..=3_600,
                fallback.shutdown_grace_seconds,
            ),
        };
        let clash = http.operations_listen == Some(http.listen) && http.listen.port() != 0;
        if clash && reader.is_sound("http.listen") && reader.is_sound("http.operations_listen") {
            reader.refuse(
                "http.operations_listen",
                "another address than http.listen, or nothing to serve both on one",
            );
        }
        http
    }
}

/// A network, or an address as a network of one.
fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            operations_listen: None,
            workers: 0,
            max_connections: 16_384,
            max_in_flight: 1_024,
            body_limit_bytes: 1 << 20,
            request_timeout_ms: 10_000,
            stall_timeout_ms: 30_000,
            keep_alive_seconds: 75,
            trusted_proxies: Vec::new(),
            allowed_origins: Vec::new(),
            shutdown_delay_seconds: 0,
            shutdown_grace_seconds: 30,
        }
    }
}
