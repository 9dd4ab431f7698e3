//! Listening sockets that this process was given at its start, by the protocol of systemd's socket
//! activation (sd_listen_fds(3)). Whoever gave them keeps them open while the process is restarted,
//! so that clients wait in their queue and none is refused.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;

use listenfd::ListenFd;
use redeemd_config::Http;
use rustix::net::{
    AddressFamily, SocketFlags, SocketType, bind, listen, socket_with,
    sockopt::set_socket_reuseaddr,
};

use super::server::ServerError;

/// The name of a socket (`FileDescriptorName=`) that is for health and metrics. Every other is for
/// the interface.
const OPERATIONS: &str = "operations";

/// What was given; mostly nothing.
#[derive(Debug, Default)]
pub struct Sockets {
    /// For the interface.
    pub interface: Vec<TcpListener>,
    /// For health and metrics.
    pub operations: Vec<TcpListener>,
    /// The address for the interface, where no socket was given.
    pub(super) reserved: Option<Reserved>,
}

/// An address that nobody else can have, and at which clients are refused until it is listened to.
#[derive(Debug)]
pub(super) struct Reserved(OwnedFd);

impl Sockets {
    /// Those that the environment says were given to this process.
    ///
    /// # Errors
    /// When one of them is no listening TCP socket.
    pub fn inherited() -> io::Result<Self> {
        let mut given = ListenFd::from_env();
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut names = names.split(':');
        let mut sockets = Self::default();
        for place in 0..given.len() {
            let name = names.next().unwrap_or_default();
            let Some(listener) = given.take_tcp_listener(place)? else { continue };
            if name == OPERATIONS {
                sockets.operations.push(listener);
            } else {
                sockets.interface.push(listener);
            }
        }
        Ok(sockets)
    }

    /// Reserves the interface's address, if no socket was given for it. A server that cannot listen
    /// has to know before it makes or changes anything.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub fn reserve(&mut self, http: &Http) -> Result<(), ServerError> {
        if self.interface.is_empty() {
            let (setting, address) = ("http.listen", http.listen);
            let reserved = Reserved::take(address);
            let failed = |source| ServerError::Listen { setting, address, source };
            self.reserved = Some(reserved.map_err(failed)?);
        }
        Ok(())
    }
}

impl Reserved {
    fn take(address: SocketAddr) -> io::Result<Self> {
        let family = match address {
            SocketAddr::V4(_) => AddressFamily::INET,
            SocketAddr::V6(_) => AddressFamily::INET6,
        };
        let socket = socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        // Connections of an earlier process that are still closing are in nobody's way.
        set_socket_reuseaddr(&socket, true)?;
        bind(&socket, &address)?;
        Ok(Self(socket))
    }

    /// Listens. So many connections may wait to be accepted.
    pub(super) fn listen(self, backlog: u32) -> io::Result<TcpListener> {
        listen(&self.0, i32::try_from(backlog).unwrap_or(i32::MAX))?;
        Ok(self.0.into())
    }
}
