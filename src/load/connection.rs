//! One connection of a load: a request out, an answer in.

use std::io;
use std::time::Duration;

use actix_web::rt::net::{TcpStream, UnixStream};

use crate::client::Target;

/// The longest answer that is read, in bytes: a thousand redemptions have a few hundred thousand.
const LONGEST_ANSWER: usize = 16 * 1024 * 1024;

/// How much is read at a time, in bytes.
const PIECE_BYTES: usize = 32 * 1024;

/// The most headers that an answer may have.
const MOST_HEADERS: usize = 64;

/// Why a request has no answer.
pub(super) type Broken = &'static str;

/// The stream, over the network or a socket of this machine.
enum Stream {
    Network(TcpStream),
    Socket(UnixStream),
}

/// An open connection with its buffers.
pub(super) struct Connection {
    stream: Stream,
    answer: Vec<u8>,
    piece: Box<[u8]>,
}

/// An answer.
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    pub(super) body: &'a [u8],
    /// Whether another request can follow.
    pub(super) keeps_alive: bool,
}

/// What the head of an answer says.
struct Head {
    status: u16,
    body: usize,
    length: usize,
    keeps_alive: bool,
}

impl Stream {
    async fn open(target: &Target) -> io::Result<Self> {
        match target {
            Target::Network(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                Ok(Self::Network(stream))
            }
            Target::Socket(path) => Ok(Self::Socket(UnixStream::connect(path).await?)),
        }
    }
}

impl Connection {
    /// Connects, within so long.
    pub(super) async fn open(target: &Target, patience: Duration) -> io::Result<Self> {
        let connecting = tokio::time::timeout(patience, Stream::open(target));
        let stream = connecting.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        Ok(Self { stream, answer: Vec::new(), piece: vec![0; PIECE_BYTES].into_boxed_slice() })
    }

    /// Sends a request and receives its answer.
    ///
    /// # Errors
    /// What broke; the connection is of no use then.
    pub(super) async fn exchange(&mut self, wire: &[u8]) -> Result<Answer<'_>, Broken> {
        self.send(wire).await.map_err(|_| "the connection broke")?;
        self.answer.clear();
        let mut head = None;
        loop {
            let count = self.receive().await.map_err(|_| "the connection broke")?;
            if count == 0 {
                return Err("the server hung up");
            }
            if head.is_none() {
                head = Head::parse(&self.answer)?;
            }
            let Some(Head { status, body, length, keeps_alive }) = head else { continue };
            if self.answer.len() >= body + length {
                let body = self.answer.get(body..body + length).unwrap_or_default();
                return Ok(Answer { status, body, keeps_alive });
            }
        }
    }

    async fn send(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let sent = match &self.stream {
                Stream::Network(stream) => stream.try_write(bytes),
                Stream::Socket(stream) => stream.try_write(bytes),
            };
            match sent {
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => match &self.stream {
                    Stream::Network(stream) => stream.writable().await?,
                    Stream::Socket(stream) => stream.writable().await?,
                },
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn receive(&mut self) -> io::Result<usize> {
        loop {
            let received = match &self.stream {
                Stream::Network(stream) => {
                    stream.readable().await?;
                    stream.try_read(&mut self.piece)
                }
                Stream::Socket(stream) => {
                    stream.readable().await?;
                    stream.try_read(&mut self.piece)
                }
            };
            match received {
                Ok(count) => {
                    self.answer.extend_from_slice(self.piece.get(..count).unwrap_or_default());
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Head {
    /// Reads the head of an answer, if it is there to its end.
    fn parse(answer: &[u8]) -> Result<Option<Self>, Broken> {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let body = match response.parse(answer) {
            Ok(httparse::Status::Complete(body)) => body,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err("the answer is not HTTP"),
        };
        let status = response.code.unwrap_or_default();
        let (mut length, mut keeps_alive) = (None, response.version == Some(1));
        for header in response.headers.iter() {
            if header.name.eq_ignore_ascii_case("Content-Length") {
                length = std::str::from_utf8(header.value).ok().and_then(|text| text.parse().ok());
            } else if header.name.eq_ignore_ascii_case("Connection") {
                keeps_alive = !header.value.eq_ignore_ascii_case(b"close");
            }
        }
        let length = if status == 204 { Some(0) } else { length };
        match length {
            Some(length) if length <= LONGEST_ANSWER => {
                Ok(Some(Self { status, body, length, keeps_alive }))
            }
            Some(_) => Err("the answer is too long"),
            None => Err("the answer has no length"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read() {
        let read = |text: &str| {
            let head = Head::parse(text.as_bytes())?;
            Ok::<_, Broken>(
                head.map(|head| (head.status, head.body, head.length, head.keeps_alive)),
            )
        };
        assert_eq!(read("HTTP/1.1 201 Created\r\ncontent-length: 5\r\n"), Ok(None));
        let whole = "HTTP/1.1 201 Created\r\ncontent-length: 5\r\n\r\n";
        assert_eq!(read(whole), Ok(Some((201, whole.len(), 5, true))));
        assert_eq!(
            read("HTTP/1.1 204 No\r\nConnection: close\r\n\r\n"),
            Ok(Some((204, 38, 0, false)))
        );
        for broken in [
            "220 mail.example ESMTP\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        ] {
            assert!(read(broken).is_err(), "{broken}");
        }
    }
}
