//! The server: listeners, threads, limits.

mod connecting;
mod running;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::KeepAlive;
use actix_web::{App, HttpServer};
use redeemd_actors::node::Node;
use redeemd_config::{Http, Settings};

use super::admission::Room;
use super::events::{Feed, PositionText};
use super::metrics::Metrics;
use super::routes::{self, Extras};
use super::site::{Content, Site};
use super::sockets::Sockets;
use crate::operation::Operation;
use crate::secrets::Vault;
use crate::service::{Origin, Turns, Worker};
use connecting::{Bounds, connected};
pub use running::Running;

/// The framework reads its clock only so often, and a deadline that it computes may be that much too
/// early.
const CLOCK_COARSENESS: Duration = Duration::from_millis(500);

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 4_096;

/// Connections that health and metrics may have at once, where they have a listener of their own.
const OPERATIONS_CONNECTIONS: usize = 256;

/// The end is ours to measure; the framework only has to leave us the time.
const LONGEST_GRACE_SECONDS: u64 = 3_600;

/// What the server works with.
#[derive(Clone)]
pub struct Parts {
    /// The actors.
    pub node: Node,
    /// The keys of codes.
    pub vault: Arc<Vault>,
    /// What is counted.
    pub metrics: Metrics,
    /// What is backed up.
    pub origin: Origin,
    /// The server's own running.
    pub operation: Arc<Operation>,
    /// Whose turn it is to issue codes of a pattern.
    pub turns: Arc<Turns>,
}

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address cannot be had.
    #[error(
        "cannot listen on {address} ({setting}): {source}; choose another address or stop what uses it"
    )]
    Listen {
        /// The setting that gave it.
        setting: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// A socket that was given cannot be used.
    #[error("a listening socket that this process was given cannot be used: {0}")]
    Inherited(#[source] io::Error),
}

/// Starts to listen for health and metrics, where they have a listener of their own. Must be called
/// within an actix system.
///
/// # Errors
/// When an address cannot be had.
pub fn start_operations(
    operation: &Arc<Operation>,
    metrics: &Metrics,
    settings: &Settings,
    sockets: &Sockets,
) -> Result<Running, ServerError> {
    let mut running = Running::new(operation);
    let own = settings.http.operations_listen;
    if own.is_none() && sockets.operations.is_empty() {
        return Ok(running);
    }
    let shared = metrics.clone();
    let factory = move || {
        let metrics = shared.clone();
        App::new()
            .configure(|config| routes::operations(config, &metrics))
            .default_service(routes::nowhere(&metrics))
    };
    let mut server = HttpServer::new(factory)
        .workers(1)
        .max_connections(OPERATIONS_CONNECTIONS)
        .keep_alive(keep_alive(settings.http.keep_alive_seconds))
        .client_request_timeout(head_timeout(&settings.http))
        .shutdown_timeout(LONGEST_GRACE_SECONDS)
        .disable_signals();
    for socket in &sockets.operations {
        let listener = socket.try_clone().map_err(ServerError::Inherited)?;
        server = server.listen(listener).map_err(ServerError::Inherited)?;
    }
    if let (Some(address), true) = (own, sockets.operations.is_empty()) {
        let setting = "http.operations_listen";
        let failed = |source| ServerError::Listen { setting, address, source };
        server = server.bind(address).map_err(failed)?;
    }
    running.operations_addresses = server.addrs();
    running.operations = Some(running.run(server.run()));
    Ok(running)
}

/// Starts to listen for clients: on the sockets that were given, or at the address that was reserved.
///
/// # Errors
/// When an address cannot be had.
pub fn start(
    parts: &Parts,
    settings: &Settings,
    extras: Extras,
    sockets: Sockets,
    running: &mut Running,
) -> Result<(), ServerError> {
    let http = &settings.http;
    let workers = match http.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    };
    let has_operations = running.operations.is_some();
    let shared = parts.clone();
    let feed = feed(parts);
    actix_web::rt::spawn(Arc::clone(&feed).follow());
    let body_timeout = Duration::from_millis(http.request_timeout_ms);
    let factory = move || {
        let Parts { node, vault, metrics, origin, operation, turns } = &shared;
        let site = Site::new(Content {
            worker: Worker::open(node, vault, turns),
            feed: Arc::clone(&feed),
            origin: origin.clone(),
            operation: Arc::clone(operation),
            metrics: metrics.clone(),
            body_timeout,
            room: Room::default(),
        });
        App::new()
            .app_data(site)
            .configure(|config| {
                routes::interface(config, metrics, extras);
                if !has_operations {
                    routes::operations(config, metrics);
                }
            })
            .default_service(routes::nowhere(metrics))
    };
    let connections = Arc::clone(&parts.operation.connections);
    // A head that is not the first of its connection has as long as the connection may be idle, and
    // then as long as any.
    let bounds = Bounds {
        first_patience: Duration::from_millis(http.request_timeout_ms),
        patience: Duration::from_secs(http.keep_alive_seconds) + head_timeout(http),
        stall_ms: u32::try_from(http.stall_timeout_ms).unwrap_or(u32::MAX),
    };
    let mut server = HttpServer::new(factory)
        .workers(workers)
        .max_connections(http.max_connections.div_ceil(workers))
        .backlog(BACKLOG)
        .tcp_nodelay(true)
        .keep_alive(keep_alive(http.keep_alive_seconds))
        .client_request_timeout(head_timeout(http))
        .shutdown_timeout(LONGEST_GRACE_SECONDS)
        .on_connect(move |stream, data| connected(stream, data, &connections, bounds))
        .disable_signals();
    for listener in sockets.interface {
        server = server.listen(listener).map_err(ServerError::Inherited)?;
    }
    if let Some(reserved) = sockets.reserved {
        let (setting, address) = ("http.listen", http.listen);
        let failed = |source| ServerError::Listen { setting, address, source };
        let listener = reserved.listen(BACKLOG).map_err(failed)?;
        server = server.listen(listener).map_err(failed)?;
    }
    running.addresses = server.addrs();
    running.interface = Some(running.run(server.run()));
    Ok(())
}

/// What all who listen to events share.
fn feed(parts: &Parts) -> Arc<Feed> {
    let Parts { node, vault, origin, operation, .. } = parts;
    let sequences = usize::from(node.layout.shards()) + 1;
    let form = PositionText::new(origin.identity.id.0, sequences);
    Feed::new(node, vault, operation, form)
}

/// How long the head of a request may take to arrive. (Bodies have the timeout of the site.)
fn head_timeout(settings: &Http) -> Duration {
    Duration::from_millis(settings.request_timeout_ms) + CLOCK_COARSENESS
}

fn keep_alive(seconds: u64) -> KeepAlive {
    match seconds {
        0 => KeepAlive::Disabled,
        seconds => KeepAlive::Timeout(Duration::from_secs(seconds)),
    }
}
