//! A reader of server-sent events (WHATWG HTML, section 9.2), as far as this server's need it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use super::server::ADMIN_KEY;

/// How long nothing may come before a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// An open stream.
pub(crate) struct EventStream {
    stream: BufReader<TcpStream>,
    /// The status of the answer.
    pub(crate) status: u16,
    /// The position after everything that was read.
    pub(crate) position: String,
    /// What came and was not looked at.
    text: Vec<u8>,
}

/// What came at once.
#[derive(Debug)]
pub(crate) enum Block {
    /// An event: its type, and itself.
    Event(String, Value),
    /// A position alone, or a comment.
    Other,
    /// The stream ended in order.
    End,
}

impl EventStream {
    /// Opens the stream at a query with the admin key, or goes on after a position.
    pub(crate) fn open(address: SocketAddr, query: &str, last: Option<&str>) -> Self {
        Self::open_as(ADMIN_KEY, address, query, last)
    }

    /// As [`EventStream::open`], with another key.
    pub(crate) fn open_as(key: &str, address: SocketAddr, query: &str, last: Option<&str>) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let last = last.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
        let head = format!(
            "GET /api/v1/events{query} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\
             Authorization: Bearer {key}\r\n{last}\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut stream = BufReader::new(stream);
        let status = line(&mut stream).split(' ').nth(1).unwrap().parse().unwrap();
        while !line(&mut stream).is_empty() {}
        Self { stream, status, position: String::new(), text: Vec::new() }
    }

    /// What comes next.
    pub(crate) fn next_block(&mut self) -> Block {
        let end = loop {
            if let Some(end) = self.text.windows(2).position(|two| two == b"\n\n") {
                break end;
            }
            let length = usize::from_str_radix(&line(&mut self.stream), 16).unwrap();
            let begin = self.text.len();
            self.text.resize(begin + length, 0);
            self.stream.read_exact(&mut self.text[begin..]).unwrap();
            assert_eq!(line(&mut self.stream), "");
            if length == 0 {
                assert!(self.text.is_empty(), "it ended within an event");
                return Block::End;
            }
        };
        let block: Vec<u8> = self.text.drain(..end + 2).collect();
        let (mut kind, mut data) = (None, None);
        for line in String::from_utf8(block).unwrap().lines() {
            match line.split_once(": ") {
                Some(("id", id)) => id.clone_into(&mut self.position),
                Some(("event", name)) => kind = Some(name.to_owned()),
                Some(("data", json)) => data = Some(serde_json::from_str(json).unwrap()),
                _ => {}
            }
        }
        match (kind, data) {
            (Some(kind), Some(data)) => Block::Event(kind, data),
            _ => Block::Other,
        }
    }

    /// The next event.
    pub(crate) fn next_event(&mut self) -> Value {
        loop {
            match self.next_block() {
                Block::Event(kind, event) => {
                    assert_eq!(event["type"], kind.as_str());
                    return event;
                }
                Block::Other => {}
                Block::End => panic!("the stream ended"),
            }
        }
    }
}

fn line(stream: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    assert!(stream.read_line(&mut line).unwrap() > 0, "the connection ended");
    line.truncate(line.trim_end().len());
    line
}
