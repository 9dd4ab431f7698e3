//! Listening sockets that this process was given at its start, by the protocol of systemd's socket
//! activation (sd_listen_fds(3)). Whoever gave them keeps them open while the process is restarted,
//! so that clients wait in their queue and none is refused.

use std::io;
use std::net::TcpListener;

use listenfd::ListenFd;

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
}

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
}
