//! One connection, for one request after another.

use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::body;
use super::error::Error;
use super::head::{Framing, Head};

/// How long connecting may take. Only a machine in trouble needs it.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// The size of the buffer behind which answers are read, in bytes.
const BUFFER_BYTES: usize = 64 * 1024;

/// An open connection between two requests.
#[derive(Debug)]
pub(super) struct Connection {
    stream: BufReader<TcpStream>,
    keeps_alive: bool,
}

impl Connection {
    /// Connects. `patience` bounds every wait for the server after that.
    pub(super) fn open(address: SocketAddr, patience: Duration) -> Result<Self, Error> {
        let open = || {
            let stream = TcpStream::connect_timeout(&address, CONNECT_PATIENCE)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(patience))?;
            stream.set_write_timeout(Some(patience))?;
            Ok(stream)
        };
        let stream = open().map_err(|source| Error::Refused { address, source })?;
        let stream = BufReader::with_capacity(BUFFER_BYTES, stream);
        Ok(Self { stream, keeps_alive: true })
    }

    /// Sends a request as it is written on the wire, and reads the answer's head.
    pub(super) fn ask(&mut self, wire: &[u8]) -> Result<Head, Error> {
        self.keeps_alive = false;
        self.stream.get_mut().write_all(wire).map_err(Error::Lost)?;
        Head::read(&mut self.stream)
    }

    /// Passes on the body of the answer whose head was read.
    pub(super) fn body(&mut self, head: &Head, output: &mut dyn Write) -> Result<(), Error> {
        let framing = head.framing()?;
        body::copy(&mut self.stream, framing, output)?;
        self.keeps_alive = head.keeps_alive && framing != Framing::UntilClose;
        Ok(())
    }

    /// Whether another request can follow: the last answer was read to its end, and the server
    /// keeps the connection.
    pub(super) fn can_be_used(&self) -> bool {
        self.keeps_alive
    }
}
