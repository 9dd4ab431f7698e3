//! What is done with every connection that is accepted.

use std::any::Any;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;

use crate::operation::{Connection, Connections};

/// What a connection may take.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// How long until the first whole head, at least.
    pub(super) first_patience: Duration,
    /// How long between an answer and the next whole head.
    pub(super) patience: Duration,
    /// How many milliseconds it may take nothing of its answer.
    pub(super) stall_ms: u32,
}

/// What is done with every connection: it is counted and watched, and a client that takes nothing of
/// its answer loses it.
pub(super) fn connected(
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
