//! Real Redis servers of a test's own, on free ports of this machine, and a small client of theirs.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Child;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::guarded::{bound_to_its_starter, free_port, spawn_guarded};
use super::wait_until;

/// How long an answer may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A Redis server, or a sentinel.
pub(crate) struct Redis {
    folder: tempfile::TempDir,
    /// Where it listens.
    pub(crate) port: u16,
    /// Where other nodes of its cluster reach it, if it is one.
    pub(crate) bus_port: u16,
    arguments: Vec<String>,
    process: Option<Child>,
}

impl Redis {
    /// A server that keeps nothing on a disk.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same, with more arguments.
    pub(crate) fn start_with(more: &[&str]) -> Self {
        Self::start_as(&["--save", "", "--appendonly", "no"], more)
    }

    /// A node of a cluster that has no slots yet.
    pub(crate) fn start_node() -> Self {
        let bus_port = free_port();
        // What the others have is there without one of them, and none of them says that one is gone.
        let mut node = Self::new(
            &["--save", "", "--appendonly", "no", "--cluster-enabled", "yes"],
            &[
                "--cluster-node-timeout",
                "1000",
                "--cluster-require-full-coverage",
                "no",
                "--cluster-port",
                &bus_port.to_string(),
            ],
        );
        node.bus_port = bus_port;
        node.find_port();
        node
    }

    /// A server that knows nobody who comes without TLS; `folder` has its certificate.
    pub(crate) fn start_encrypted(folder: &Path) -> Self {
        let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        let mut server = Self::new(&["--save", "", "--appendonly", "no", "--port", "0"], &[]);
        let files = [
            ("--tls-cert-file", "server.pem"),
            ("--tls-key-file", "server.key"),
            ("--tls-ca-cert-file", "ca.pem"),
        ];
        let files = files.into_iter().flat_map(|(name, file)| [name.to_owned(), path(file)]);
        server.arguments.extend(files);
        // A port may have been taken since it was found free.
        wait_until("Redis listens", || {
            server.port = free_port();
            server.spawn(&["--tls-port", &server.port.to_string()]);
            server.comes_up(|port| TcpStream::connect(("127.0.0.1", port)).is_ok())
        });
        server
    }

    /// A sentinel that watches a server called `mymaster`.
    pub(crate) fn start_sentinel(watched: &Self, password: &str) -> Self {
        let mut sentinel = Self::new(&[], &[]);
        let path = sentinel.folder.path().join("sentinel.conf");
        let text = format!(
            "sentinel monitor mymaster 127.0.0.1 {} 1\n\
             sentinel down-after-milliseconds mymaster 300\n\
             sentinel failover-timeout mymaster 2000\n\
             requirepass {password}\n",
            watched.port
        );
        std::fs::write(&path, text).unwrap();
        sentinel.arguments = vec![path.to_str().unwrap().to_owned(), "--sentinel".to_owned()];
        sentinel.find_port();
        sentinel
    }

    fn start_as(arguments: &[&str], more: &[&str]) -> Self {
        let mut server = Self::new(arguments, more);
        server.find_port();
        server
    }

    fn new(arguments: &[&str], more: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("redeemd-redis-").tempdir().unwrap();
        let arguments = arguments.iter().chain(more).map(|it| (*it).to_owned()).collect();
        Self { folder, port: 0, bus_port: 0, arguments, process: None }
    }

    fn find_port(&mut self) {
        wait_until("Redis listens", || {
            self.port = free_port();
            self.spawn(&["--port", &self.port.to_string()]);
            self.comes_up(answers)
        });
    }

    fn spawn(&mut self, port: &[&str]) {
        let folder = self.folder.path().to_str().unwrap();
        let mut arguments = self.arguments.clone();
        arguments.extend(port.iter().map(|it| (*it).to_owned()));
        arguments.extend(["--bind", "127.0.0.1", "--dir", folder].map(str::to_owned));
        let mut command = bound_to_its_starter("KILL");
        command.args(["--", "redis-server"]).args(arguments);
        self.process = Some(spawn_guarded(command, None));
    }

    /// Waits until it listens, or has ended.
    fn comes_up(&mut self, listens: impl Fn(u16) -> bool) -> bool {
        let (port, process) = (self.port, self.process.as_mut().unwrap());
        let mut is_up = false;
        wait_until("Redis listens or ends", || {
            is_up = listens(port);
            is_up || process.try_wait().unwrap().is_some()
        });
        is_up
    }

    /// Starts it again where it was.
    pub(crate) fn restart(&mut self) {
        wait_until("Redis listens again", || {
            self.spawn(&["--port", &self.port.to_string()]);
            self.comes_up(answers)
        });
    }

    /// Kills it with SIGKILL.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(self.process.as_ref().unwrap()), signal).unwrap();
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Asks it, and gives its answer as text: a line for each item of a list.
    pub(crate) fn ask(&self, words: &[&str]) -> String {
        let mut talk = Talk::open(self.port).unwrap();
        talk.ask(words).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

fn answers(port: u16) -> bool {
    // One that wants a password answers, too.
    Talk::open(port).is_ok_and(|mut talk| match talk.ask(&["PING"]) {
        Ok(answer) => answer == "PONG",
        Err(error) => error.to_string().contains("NOAUTH"),
    })
}

/// A connection that speaks the protocol of Redis (RESP2).
pub(crate) struct Talk(BufReader<TcpStream>);

impl Talk {
    pub(crate) fn open(port: u16) -> std::io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Asks, and reads the answer; an error of Redis is one here.
    pub(crate) fn ask(&mut self, words: &[&str]) -> std::io::Result<String> {
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            request += &format!("${}\r\n{word}\r\n", word.len());
        }
        self.0.get_mut().write_all(request.as_bytes())?;
        self.read()
    }

    /// Reads what comes.
    pub(crate) fn read(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let (kind, rest) = line.trim_end().split_at(1);
        Ok(match (kind, rest.parse::<i64>()) {
            ("-", _) => return Err(std::io::Error::other(rest.to_owned())),
            ("$", Ok(length)) => {
                let mut text = vec![0; usize::try_from(length + 2).unwrap_or(0)];
                self.0.read_exact(&mut text)?;
                text.truncate(text.len().saturating_sub(2));
                String::from_utf8(text).unwrap()
            }
            ("*", Ok(count)) => {
                let items: std::io::Result<Vec<_>> = (0..count).map(|_| self.read()).collect();
                items?.join("\n")
            }
            _ => rest.to_owned(),
        })
    }
}
