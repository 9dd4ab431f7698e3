//! A server of a test's own: a child process with a folder of its own.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Lines};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::client::Client;

/// The admin key that every server is given at its first start.
pub(crate) const ADMIN_KEY: &str = "rk_the-admin-key-of-all-tests-0123456789abc";

/// A folder with everything that a server writes. It outlives the server's restarts.
pub(crate) struct Folder {
    folder: tempfile::TempDir,
    settings: Vec<(String, String)>,
}

impl Folder {
    pub(crate) fn new() -> Self {
        // Small files, so that a start does not wait for the disk to give space.
        let settings = [
            ("journal.segment_bytes", "4194304"),
            ("journal.reserve_bytes", "0"),
            ("journal.minimum_free_bytes", "0"),
            ("http.listen", "127.0.0.1:0"),
        ];
        let settings =
            settings.map(|(key, value)| (key.to_owned(), value.to_owned())).into_iter().collect();
        Self { folder: tempfile::tempdir().unwrap(), settings }
    }

    pub(crate) fn set(mut self, key: &str, value: &str) -> Self {
        self.settings.push((key.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn settings(&self) -> &[(String, String)] {
        &self.settings
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    pub(crate) fn secret(&self) -> PathBuf {
        self.path().join("data.secret")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.path().join("log")
    }

    /// The command that starts a server here.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_redeemd"));
        let log = File::options().create(true).append(true).open(self.log()).unwrap();
        command
            .env_clear()
            .env("REDEEMD_LOG", "debug")
            .env("REDEEMD_BOOTSTRAP_ADMIN_KEY", ADMIN_KEY)
            .arg("serve")
            .arg("--data-dir")
            .arg(self.data())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        for (key, value) in &self.settings {
            command.arg("--set").arg(format!("{key}={value}"));
        }
        command
    }

    /// Starts a server and waits until it listens.
    pub(crate) fn start(&self) -> Server {
        self.start_with(self.command())
    }

    /// As [`Folder::start`], with a command that was changed.
    pub(crate) fn start_with(&self, mut command: Command) -> Server {
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut facts = Vec::new();
        let address = loop {
            let Some(line) = lines.next() else {
                let _ = child.wait();
                panic!("the server did not start: {}", fs::read_to_string(self.log()).unwrap());
            };
            let line = line.unwrap();
            let address = line.strip_prefix("listening http://").map(|text| text.parse().unwrap());
            facts.push(line);
            if let Some(address) = address {
                break address;
            }
        };
        Server { child, address, facts, _output: lines }
    }
}

/// A server that runs.
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// What it wrote to standard output until it listened.
    pub(crate) facts: Vec<String>,
    /// Kept open, since a server whose standard output is closed cannot tell facts any more.
    _output: Lines<BufReader<ChildStdout>>,
}

impl Server {
    /// A client with the admin key.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.address, Some(ADMIN_KEY))
    }

    /// Where health and metrics are, if that is elsewhere.
    pub(crate) fn operations_address(&self) -> SocketAddr {
        let address = |fact: &String| fact.strip_prefix("operations http://")?.parse().ok();
        self.facts.iter().find_map(address).unwrap()
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it, as a power cut of the process would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until it has ended.
    pub(crate) fn end(mut self) -> ExitStatus {
        wait(&mut self.child)
    }

    /// Tells it to end, and waits until it has.
    pub(crate) fn terminate(self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.end()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Insists that a server does not start, and gives what it said last.
pub(crate) fn fails_to_start(mut command: Command) -> String {
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let status = wait(&mut child);
    assert_eq!(status.code(), Some(1), "it must end with exit code 1");
    let said = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
    said.lines().last().unwrap_or_default().to_owned()
}

fn wait(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            panic!("the server did not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
