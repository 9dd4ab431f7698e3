//! The head of an answer: status, headers, and how its body ends (RFC 9112).

use std::io::{self, BufRead, Read as _};

use super::error::Error;

/// The longest head that is read, in bytes.
const LONGEST_HEAD: u64 = 64 * 1024;

/// Status and headers.
#[derive(Clone, Debug)]
pub(super) struct Head {
    /// The status.
    pub status: u16,
    headers: Vec<(String, String)>,
    /// Whether the connection stays open for another request.
    pub keeps_alive: bool,
}

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// After so many bytes.
    Length(u64),
    /// With a chunk of no bytes.
    Chunked,
    /// With the connection.
    UntilClose,
}

impl Head {
    /// Reads the head of the next final answer; what comes before one (1xx) is passed over.
    pub(super) fn read(reader: &mut impl BufRead) -> Result<Self, Error> {
        let begun = reader.fill_buf().map_err(Error::Lost)?;
        if begun.is_empty() {
            return Err(Error::Lost(Error::early_end()));
        }
        loop {
            let head = Self::read_one(reader)?;
            if !(100..200).contains(&head.status) {
                return Ok(head);
            }
        }
    }

    /// A header's value, by its name in any case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(value)
    }

    /// How the body ends.
    pub(super) fn framing(&self) -> Result<Framing, Error> {
        if matches!(self.status, 204 | 304) {
            return Ok(Framing::Length(0));
        }
        if let Some(encoding) = self.header("Transfer-Encoding") {
            return match encoding.eq_ignore_ascii_case("chunked") {
                true => Ok(Framing::Chunked),
                false => Err(Error::Malformed("it has a transfer encoding other than chunked")),
            };
        }
        match self.header("Content-Length").map(str::parse) {
            Some(Ok(length)) => Ok(Framing::Length(length)),
            Some(Err(_)) => Err(Error::Malformed("its Content-Length is no number")),
            None => Ok(Framing::UntilClose),
        }
    }

    fn read_one(reader: &mut impl BufRead) -> Result<Self, Error> {
        let mut limited = reader.take(LONGEST_HEAD);
        let first = line(&mut limited)?;
        let (version, rest) = first.split_once(' ').unwrap_or_default();
        let status = rest.get(..3).and_then(|status| status.parse().ok());
        let (Some(status), true) = (status, version.starts_with("HTTP/1.")) else {
            return Err(Error::Malformed("it does not begin like HTTP"));
        };
        let mut headers = Vec::with_capacity(12);
        loop {
            let line = line(&mut limited)?;
            if line.is_empty() {
                break;
            }
            let Some((name, value)) = line.split_once(':') else {
                return Err(Error::Malformed("a header has no colon"));
            };
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        let mut head = Self { status, headers, keeps_alive: true };
        let connection = head.header("Connection").unwrap_or_default();
        head.keeps_alive = match version {
            "HTTP/1.0" => connection.eq_ignore_ascii_case("keep-alive"),
            _ => !connection.eq_ignore_ascii_case("close"),
        };
        Ok(head)
    }
}

/// The next line without its end.
pub(super) fn line(reader: &mut impl BufRead) -> Result<String, Error> {
    let mut line = String::new();
    match reader.read_line(&mut line) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Err(Error::Malformed("a line is not text"));
        }
        Err(error) => return Err(Error::CutOff(error)),
        Ok(_) => {}
    }
    match line.strip_suffix('\n') {
        Some(ended) => Ok(ended.strip_suffix('\r').unwrap_or(ended).to_owned()),
        None => Err(Error::CutOff(Error::early_end())),
    }
}
