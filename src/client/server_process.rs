//! A server process of one's own: started, listened to, killed.
//!
//! The demonstration and the tests of the real process live on it.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How a server is to be started.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The program.
    pub program: PathBuf,
    /// What starts the program in its place, with its arguments, such as a tracer; may be empty.
    pub wrapper: Vec<OsString>,
    /// Where the server keeps everything.
    pub data_dir: PathBuf,
    /// The file to which its log is appended.
    pub log: PathBuf,
    /// Settings, as `key=value`.
    pub settings: Vec<String>,
    /// Variables of its environment. Those of this process whose names begin with `REDEEMD_` are
    /// kept from it, so that nothing but this decides how it runs.
    pub environment: Vec<(String, String)>,
    /// How long it may take until it listens.
    pub patience: Duration,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The operating system refused.
    #[error("cannot {operation} {path}: {source}")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// With what.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// It ended before it listened.
    #[error("the server ended at its start ({status}): {last_words}")]
    Ended {
        /// How.
        status: ExitStatus,
        /// The last line of its log.
        last_words: String,
    },
    /// It did not listen in time.
    #[error("the server did not listen within {0:?}; see {1}")]
    TooLate(Duration, PathBuf),
}

/// A server that runs. It is killed when this is dropped, and ends by itself when this process does.
#[derive(Debug)]
pub struct ServerProcess {
    child: Child,
    input: Option<ChildStdin>,
    /// Where it listens.
    pub address: SocketAddr,
    /// The admin key, where this was its first start and it made one.
    pub admin_key: Option<String>,
    /// How long it took from its start until it listened.
    pub ready_after: Duration,
}

impl Launch {
    /// Starts the server on a free port of this machine and waits until it listens.
    ///
    /// # Errors
    /// When it does not get so far; it is gone then.
    pub fn start(&self) -> Result<ServerProcess, LaunchError> {
        let begun = Instant::now();
        let mut child = self.spawn()?;
        let input = child.stdin.take();
        let (facts, said) = mpsc::channel();
        if let Some(output) = child.stdout.take() {
            // Reads on to the end, so that the server never waits for somebody to listen.
            thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    let _ = facts.send(line);
                }
            });
        }
        let mut admin_key = None;
        loop {
            let left = self.patience.saturating_sub(begun.elapsed());
            let error = match said.recv_timeout(left) {
                Ok(fact) => {
                    if let Some(key) = fact.strip_prefix("admin-key ") {
                        admin_key = Some(key.to_owned());
                    }
                    let address = fact.strip_prefix("listening http://");
                    let Some(address) = address.and_then(|address| address.parse().ok()) else {
                        continue;
                    };
                    let ready_after = begun.elapsed();
                    return Ok(ServerProcess { child, input, address, admin_key, ready_after });
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    LaunchError::TooLate(self.patience, self.log.clone())
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => match child.wait() {
                    Ok(status) => LaunchError::Ended { status, last_words: self.last_words() },
                    Err(source) => self.io_error("wait for", source),
                },
            };
            let _ = child.kill();
            let _ = child.wait();
            return Err(error);
        }
    }

    /// Starts the server and kills it after so long, wherever it is by then.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn start_and_kill(&self, after: Duration) -> Result<(), LaunchError> {
        let mut child = self.spawn()?;
        thread::sleep(after);
        child.kill().map_err(|source| self.io_error("kill", source))?;
        child.wait().map_err(|source| self.io_error("wait for", source))?;
        Ok(())
    }

    fn spawn(&self) -> Result<Child, LaunchError> {
        let mut words = self.wrapper.iter().cloned().chain([self.program.clone().into_os_string()]);
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words);
        command.args(["serve", "--end-with-input", "--listen", "127.0.0.1:0", "--data-dir"]);
        command.arg(&self.data_dir);
        for setting in &self.settings {
            command.args(["--set", setting]);
        }
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("REDEEMD_") {
                command.env_remove(name);
            }
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let log = OpenOptions::new().create(true).append(true).open(&self.log);
        let log: File = log.map_err(|source| self.io_error("open the log of", source))?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        command.spawn().map_err(|source| self.io_error("start", source))
    }

    fn io_error(&self, operation: &'static str, source: io::Error) -> LaunchError {
        LaunchError::Io { operation, path: self.program.clone(), source }
    }

    fn last_words(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        log.lines().last().unwrap_or("it said nothing").to_owned()
    }
}

impl ServerProcess {
    /// Its process id; that of the wrapper, where there is one.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// When the operating system does not say.
    pub fn has_ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Ends it with SIGKILL, which it can neither see nor delay, and waits until it is gone.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(|_| ())
    }

    /// Lets it end by itself, as after SIGTERM, and waits until it is gone.
    ///
    /// # Errors
    /// When the operating system does not say how it ended.
    pub fn finish(&mut self) -> io::Result<ExitStatus> {
        drop(self.input.take());
        self.child.wait()
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}
