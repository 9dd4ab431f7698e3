//! The server: listeners, threads, limits, and its end.

use std::any::Any;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::dev::{Extensions, Server, ServerHandle};
use actix_web::http::KeepAlive;
use actix_web::rt::net::TcpStream;
use actix_web::rt::task::JoinHandle;
use actix_web::rt::time::{sleep, timeout};
use actix_web::{App, HttpServer};
use redeemd_actors::node::Node;
use redeemd_config::{Http, Settings};

use super::admission::Room;
use super::events::{Feed, PositionText};
use super::metrics::Metrics;
use super::routes::{self, Extras};
use super::site::{Content, Site};
use super::sockets::Sockets;
use crate::operation::{Connection, Connections, Operation};
use crate::secrets::Vault;
use crate::service::{Origin, Turns, Worker};

/// The framework reads its clock only so often, and a deadline that it computes may be that much too
/// early.
const CLOCK_COARSENESS: Duration = Duration::from_millis(500);

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 4_096;

/// Connections that health and metrics may have at once, where they have a listener of their own.
const OPERATIONS_CONNECTIONS: usize = 256;

/// The end is ours to measure; the framework only has to leave us the time.
const LONGEST_GRACE_SECONDS: u64 = 3_600;

/// How long connections that were just accepted have for their first request, when the server ends.
const FIRST_REQUEST: Duration = Duration::from_secs(1);
/// How long nothing new may have come in, until nothing is believed to be on its way any more.
const QUIET: Duration = Duration::from_millis(100);

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

/// A server that listens.
pub struct Running {
    /// Where the interface is.
    pub addresses: Vec<SocketAddr>,
    /// Where health and metrics are, if that is elsewhere.
    pub operations_addresses: Vec<SocketAddr>,
    interface: Option<ServerHandle>,
    operations: Option<ServerHandle>,
    tasks: Vec<JoinHandle<io::Result<()>>>,
    operation: Arc<Operation>,
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
    let mut running = Running {
        addresses: Vec::new(),
        operations_addresses: Vec::new(),
        interface: None,
        operations: None,
        tasks: Vec::new(),
        operation: Arc::clone(operation),
    };
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

impl Running {
    fn run(&mut self, server: Server) -> ServerHandle {
        let handle = server.handle();
        self.tasks.push(actix_web::rt::spawn(server));
        handle
    }

    /// Accepts nothing more, answers what was sent by then, and ends. What is not answered within
    /// the grace is cut off. Health and metrics go on to the end, where they have a listener of
    /// their own.
    pub async fn stop(self, grace: Duration) {
        let deadline = Instant::now() + grace;
        if let Some(handle) = &self.interface {
            // The framework drops connections that it has accepted and not looked at yet. So first
            // nothing more is accepted, and those that are there are given the time to ask. Others
            // stay in the queue of the socket, for whoever listens to it next.
            self.operation.lifecycle.close_connections();
            handle.pause().await;
            tracing::info!("nothing more is accepted; what was sent by now is answered");
            self.let_ask(deadline.min(Instant::now() + FIRST_REQUEST)).await;
            let left = deadline.saturating_duration_since(Instant::now());
            if timeout(left, handle.stop(true)).await.is_err() {
                let open = self.operation.connections.open();
                tracing::warn!(connections = open, "the grace is over; what is open is cut off");
            }
        }
        if let Some(handle) = &self.operations {
            handle.stop(false).await;
        }
    }

    /// Waits until every connection has had its first request, and none has come in for a while.
    async fn let_ask(&self, deadline: Instant) {
        let connections = &self.operation.connections;
        let mut accepted = connections.accepted.get();
        let mut since = Instant::now();
        while Instant::now() < deadline {
            sleep(QUIET / 10).await;
            let now_accepted = connections.accepted.get();
            if now_accepted != accepted {
                (accepted, since) = (now_accepted, Instant::now());
            }
            if since.elapsed() >= QUIET && connections.fresh() == 0 {
                break;
            }
        }
    }
}

/// What a connection may take.
#[derive(Clone, Copy)]
struct Bounds {
    /// How long until the first whole head, at least.
    first_patience: Duration,
    /// How long between an answer and the next whole head.
    patience: Duration,
    /// How many milliseconds it may take nothing of its answer.
    stall_ms: u32,
}

/// What is done with every connection: it is counted and watched, and a client that takes nothing of
/// its answer loses it.
fn connected(
    stream: &dyn Any,
    data: &mut Extensions,
    connections: &Arc<Connections>,
    bounds: Bounds,
) {
    let stream = stream.downcast_ref::<TcpStream>();
    if let Some(stream) = stream {
        let result = rustix::net::sockopt::set_tcp_user_timeout(stream, bounds.stall_ms);
        if let Err(error) = result {
            tracing::debug!(%error, "a connection goes on without a limit on stalling");
        }
    }
    // Without a handle, for want of any, it is counted and not watched.
    let socket = stream.and_then(|stream| stream.as_fd().try_clone_to_owned().ok());
    data.insert(Connection::accepted(connections, socket, bounds.first_patience, bounds.patience));
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
