//! A small HTTP/1.1 client that keeps its connection.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType};
use serde_json::Value;

use super::answer::Answer;
use super::description::Description;

/// How long an answer may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// One client with one connection.
pub(crate) struct Client {
    address: SocketAddr,
    key: Option<String>,
    /// The client's own address, where it is not for the system to choose.
    origin: Option<Ipv4Addr>,
    stream: Option<BufReader<TcpStream>>,
    /// Whether answers must be as the server's description says.
    is_described: bool,
}

/// What is asked.
#[derive(Clone)]
pub(crate) struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Request {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned(), headers: Vec::new(), body: None }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.header("Content-Type", "application/json").body(body.to_string())
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }
}

impl Client {
    pub(crate) fn new(address: SocketAddr, key: Option<&str>) -> Self {
        Self {
            address,
            key: key.map(str::to_owned),
            origin: None,
            stream: None,
            is_described: true,
        }
    }

    /// A client of something that is not the interface alone: a proxy, which has answers of its own,
    /// or a listener with only some of the routes.
    pub(crate) fn undescribed(address: SocketAddr, key: Option<&str>) -> Self {
        Self { is_described: false, ..Self::new(address, key) }
    }

    /// The same client, which asks from an address of its own.
    pub(crate) fn at(self, origin: Ipv4Addr) -> Self {
        Self { origin: Some(origin), ..self }
    }

    fn connect(&self) -> std::io::Result<TcpStream> {
        let Some(origin) = self.origin else { return TcpStream::connect(self.address) };
        let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
        rustix::net::bind(&socket, &SocketAddrV4::new(origin, 0))?;
        rustix::net::connect(&socket, &self.address)?;
        Ok(socket.into())
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.send(Request::new("GET", path))
    }

    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Answer {
        self.send(Request::new("POST", path).json(body))
    }

    pub(crate) fn send(&mut self, request: Request) -> Answer {
        self.try_send(&request).unwrap_or_else(|error| panic!("no answer: {error}"))
    }

    /// Sends a request. A failed connection is not tried again.
    pub(crate) fn try_send(&mut self, request: &Request) -> std::io::Result<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let stream = self.connect()?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                BufReader::new(stream)
            }
        };
        let Request { method, path, headers, body } = request;
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
        if let Some(key) = &self.key {
            head += &format!("Authorization: Bearer {key}\r\n");
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if let Some(body) = body {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        let mut bytes = (head + "\r\n").into_bytes();
        bytes.extend_from_slice(body.as_deref().unwrap_or_default());
        stream.get_mut().write_all(&bytes)?;
        let answer = read(&mut stream)?;
        if answer.header("connection") != Some("close") {
            self.stream = Some(stream);
        }
        // Whatever a test asks: the answer must be as the server's own description says.
        if self.is_described
            && let Some(description) = Description::known(self.address)
        {
            description.insist(method, path, &answer);
        }
        Ok(answer)
    }
}

/// Sends bytes as they are, and reads one answer.
pub(crate) fn raw(address: SocketAddr, bytes: &[u8]) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(bytes)?;
    read(&mut BufReader::new(stream))
}

fn read(stream: &mut BufReader<TcpStream>) -> std::io::Result<Answer> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
    if status == 100 {
        read_line(stream)?;
        return read(stream);
    }
    let mut headers = Vec::new();
    loop {
        let line = read_line(stream)?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut answer = Answer { status, headers, body: Vec::new() };
    if answer.header("transfer-encoding") == Some("chunked") {
        loop {
            let length = usize::from_str_radix(&read_line(stream)?, 16).unwrap();
            let begin = answer.body.len();
            answer.body.resize(begin + length, 0);
            stream.read_exact(&mut answer.body[begin..])?;
            read_line(stream)?;
            if length == 0 {
                break;
            }
        }
    } else if let Some(length) = answer.header("content-length") {
        answer.body.resize(length.parse().unwrap(), 0);
        stream.read_exact(&mut answer.body)?;
    }
    Ok(answer)
}

fn read_line(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    line.truncate(line.trim_end().len());
    Ok(line)
}
