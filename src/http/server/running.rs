//! A server that listens, and its end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::dev::{Server, ServerHandle};
use actix_web::rt::task::JoinHandle;
use actix_web::rt::time::{sleep, timeout};

use crate::operation::Operation;

/// How long connections that were just accepted have for their first request, when the server ends.
const FIRST_REQUEST: Duration = Duration::from_secs(1);
/// How long nothing new may have come in, until nothing is believed to be on its way any more.
const QUIET: Duration = Duration::from_millis(100);

/// A server that listens.
pub struct Running {
    /// Where the interface is.
    pub addresses: Vec<SocketAddr>,
    /// Where health and metrics are, if that is elsewhere.
    pub operations_addresses: Vec<SocketAddr>,
    pub(super) interface: Option<ServerHandle>,
    pub(super) operations: Option<ServerHandle>,
    tasks: Vec<JoinHandle<io::Result<()>>>,
    operation: Arc<Operation>,
}

impl Running {
    /// One that does not listen yet.
    pub(super) fn new(operation: &Arc<Operation>) -> Self {
        Self {
            addresses: Vec::new(),
            operations_addresses: Vec::new(),
            interface: None,
            operations: None,
            tasks: Vec::new(),
            operation: Arc::clone(operation),
        }
    }

    /// Lets a server run to its end, and gives the handle that ends it.
    pub(super) fn run(&mut self, server: Server) -> ServerHandle {
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
