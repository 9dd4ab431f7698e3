//! The server: listeners, threads, limits, and its end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::http::KeepAlive;
use actix_web::web::Data;
use actix_web::{App, HttpServer};
use redeemd_actors::node::Node;
use redeemd_config::Http;

use super::health::Operations;
use super::metrics::Metrics;
use super::routes::{self, Extras};
use super::site::{Content, Site};
use crate::secrets::Vault;
use crate::service::{Origin, Worker};

/// The framework reads its clock only so often, and a deadline that it computes may be that much too
/// early.
const CLOCK_COARSENESS: Duration = Duration::from_millis(500);

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 4_096;

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
}

/// A server that listens.
pub struct Running {
    /// Where the interface is.
    pub addresses: Vec<SocketAddr>,
    /// Where health and metrics are, if that is elsewhere.
    pub operations_addresses: Vec<SocketAddr>,
    servers: Vec<Server>,
}

/// Starts to listen. Must be called within an actix system; [`Running::wait`] must be awaited.
///
/// # Errors
/// When an address cannot be had.
pub fn start(parts: &Parts, settings: &Http, extras: Extras) -> Result<Running, ServerError> {
    let workers = match settings.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    };
    let has_operations = settings.operations_listen.is_some();
    let (shared, site_settings) = (parts.clone(), settings.clone());
    let factory = move || {
        let Parts { node, vault, metrics, origin } = &shared;
        let site = Site::new(Content {
            worker: Worker::open(node, vault),
            origin: origin.clone(),
            body_limit_bytes: site_settings.body_limit_bytes,
            body_timeout: Duration::from_millis(site_settings.request_timeout_ms),
        });
        let operations = Operations { node: node.clone(), metrics: metrics.clone() };
        App::new()
            .app_data(site)
            .app_data(Data::new(operations))
            .configure(|config| {
                routes::interface(config, metrics, extras);
                if !has_operations {
                    routes::operations(config, metrics);
                }
            })
            .default_service(routes::nowhere(metrics))
    };
    let server = HttpServer::new(factory)
        .workers(workers)
        .max_connections(settings.max_connections.div_ceil(workers))
        .backlog(BACKLOG)
        .tcp_nodelay(true)
        .keep_alive(keep_alive(settings.keep_alive_seconds))
        .client_request_timeout(head_timeout(settings))
        .shutdown_timeout(settings.shutdown_grace_seconds)
        .disable_signals();
    let server = server.bind(settings.listen).map_err(|source| ServerError::Listen {
        setting: "http.listen",
        address: settings.listen,
        source,
    })?;
    let mut running = Running {
        addresses: server.addrs(),
        operations_addresses: Vec::new(),
        servers: Vec::new(),
    };
    if let Some(address) = settings.operations_listen {
        let (server, addresses) = operations(parts, settings, address)?;
        running.operations_addresses = addresses;
        running.servers.push(server);
    }
    running.servers.push(server.run());
    Ok(running)
}

impl Running {
    /// What stops it from elsewhere.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.servers.iter().map(Server::handle).collect())
    }

    /// Serves until it is stopped.
    ///
    /// # Errors
    /// When a listener failed.
    pub async fn wait(self) -> io::Result<()> {
        let tasks: Vec<_> = self.servers.into_iter().map(actix_web::rt::spawn).collect();
        for task in tasks {
            task.await.map_err(io::Error::other)??;
        }
        Ok(())
    }
}

/// Stops a server.
#[derive(Clone)]
pub struct Stopper(Vec<ServerHandle>);

impl Stopper {
    /// Accepts nothing more, lets the requests that are in flight end within the grace that the
    /// settings give, and ends.
    pub async fn stop(&self) {
        for handle in &self.0 {
            handle.stop(true).await;
        }
    }
}

fn operations(
    parts: &Parts,
    settings: &Http,
    address: SocketAddr,
) -> Result<(Server, Vec<SocketAddr>), ServerError> {
    let Parts { node, metrics, .. } = parts.clone();
    let factory = move || {
        let operations = Operations { node: node.clone(), metrics: metrics.clone() };
        App::new()
            .app_data(Data::new(operations))
            .configure(|config| routes::operations(config, &metrics))
            .default_service(routes::nowhere(&metrics))
    };
    let server = HttpServer::new(factory)
        .workers(1)
        .keep_alive(keep_alive(settings.keep_alive_seconds))
        .client_request_timeout(head_timeout(settings))
        .shutdown_timeout(settings.shutdown_grace_seconds)
        .disable_signals();
    let server = server.bind(address).map_err(|source| ServerError::Listen {
        setting: "http.operations_listen",
        address,
        source,
    })?;
    let addresses = server.addrs();
    Ok((server.run(), addresses))
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
