//! One connection, for one request after another.

use std::io::{BufReader, ErrorKind, Write};
use std::time::Duration;

use super::body;
use super::error::Error;
use super::head::{Framing, Head};
use super::stream::Stream;
use super::target::Target;
use super::upload::Upload;

/// The size of the buffer behind which answers are read, in bytes.
const BUFFER_BYTES: usize = 64 * 1024;

/// An open connection between two requests.
#[derive(Debug)]
pub(super) struct Connection {
    stream: BufReader<Stream>,
    keeps_alive: bool,
    patience: Duration,
}

impl Connection {
    /// Connects. `patience` bounds every wait for the server after that.
    pub(super) fn open(target: &Target, patience: Duration) -> Result<Self, Error> {
        let stream = Stream::open(target, patience)
            .map_err(|source| Error::Refused { target: target.clone(), source })?;
        let stream = BufReader::with_capacity(BUFFER_BYTES, stream);
        Ok(Self { stream, keeps_alive: true, patience })
    }

    /// Sends a request as it is written on the wire, and reads the answer's head.
    pub(super) fn ask(&mut self, wire: &[u8]) -> Result<Head, Error> {
        self.keeps_alive = false;
        self.stream.get_mut().write_all(wire).map_err(Error::Lost)?;
        self.head()
    }

    /// As [`Connection::ask`], for a request whose body follows from elsewhere.
    pub(super) fn ask_with(&mut self, wire: &[u8], upload: &mut Upload<'_>) -> Result<Head, Error> {
        self.keeps_alive = false;
        self.stream.get_mut().write_all(wire).map_err(Error::Lost)?;
        match upload.send(self.stream.get_mut()) {
            // A server that refuses a body need not read it to its end before it says so.
            Err(Error::Lost(reason)) => {
                Head::read(&mut self.stream).map_err(|_| Error::Lost(reason))
            }
            sent => sent.and_then(|()| self.head()),
        }
    }

    /// Waits for the answer's head.
    fn head(&mut self) -> Result<Head, Error> {
        Head::read(&mut self.stream).map_err(|error| match error {
            // How the operating system says that the time is over.
            Error::Lost(reason)
                if matches!(reason.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
            {
                Error::Silent(self.patience)
            }
            error => error,
        })
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
