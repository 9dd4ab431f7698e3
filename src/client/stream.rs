//! The bytes between here and a server: over the network, or over a socket of this machine.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::target::Target;

/// How long connecting may take. Only a machine in trouble needs it.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// An open stream.
#[derive(Debug)]
pub(super) enum Stream {
    Network(TcpStream),
    Socket(UnixStream),
}

impl Stream {
    /// Connects. `patience` bounds every wait for the server after that.
    pub(super) fn open(target: &Target, patience: Duration) -> io::Result<Self> {
        let patience = Some(patience);
        match target {
            Target::Network(address) => {
                let stream = connect(address)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(patience)?;
                stream.set_write_timeout(patience)?;
                Ok(Self::Network(stream))
            }
            Target::Socket(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(patience)?;
                stream.set_write_timeout(patience)?;
                Ok(Self::Socket(stream))
            }
        }
    }
}

/// Tries every address that a name stands for, in turn.
fn connect(address: &str) -> io::Result<TcpStream> {
    let mut failure = io::Error::other("the name stands for no address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_PATIENCE) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Network(stream) => stream.read(buffer),
            Self::Socket(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Network(stream) => stream.write(bytes),
            Self::Socket(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Network(stream) => stream.flush(),
            Self::Socket(stream) => stream.flush(),
        }
    }
}
