//! Where the demonstration plays: a temporary folder, and a server in it that can be killed.
//!
//! However the demonstration ends, the server ends with it and the folder goes, unless it is to be
//! kept: a signal is waited for here, and the server itself ends when this process does.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use actix_web::rt::signal::unix::{SignalKind, signal};
use anyhow::Context as _;
use tempfile::TempDir;

use crate::cli::progress::say;
use crate::client::{Client, Launch, ServerProcess};

/// How long a server may take until it listens.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// What a process that a signal ended exits with: 128 and the number of SIGINT.
const INTERRUPTED: i32 = 130;

/// The folder and the server.
pub(super) struct Stage {
    props: Arc<Mutex<Props>>,
    launch: Launch,
    folder: PathBuf,
    key: String,
}

/// What has to be put away at the end.
struct Props {
    server: Option<ServerProcess>,
    folder: Option<TempDir>,
}

impl Stage {
    /// Makes the folder and starts a server in it.
    pub(super) fn build(keep: bool) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("redeemd-demo-").tempdir();
        let mut folder = folder.context("making a temporary folder")?;
        folder.disable_cleanup(keep);
        let path = folder.path().to_owned();
        let launch = Launch {
            program: std::env::current_exe().context("finding this program")?,
            wrapper: Vec::new(),
            data_dir: path.join("data"),
            log: path.join("server.log"),
            settings: Vec::new(),
            environment: Vec::new(),
            patience: START_PATIENCE,
        };
        let props = Arc::new(Mutex::new(Props { server: None, folder: Some(folder) }));
        end_with_signals(&props)?;
        let server = launch.start()?;
        let key = server.admin_key.clone().context("the server made no admin key")?;
        locked(&props).server = Some(server);
        Ok(Self { props, launch, folder: path, key })
    }

    /// The folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder, for people.
    pub(super) fn path(&self) -> std::path::Display<'_> {
        self.folder.display()
    }

    /// Where the server listens. While it starts, this waits.
    pub(super) fn address(&self) -> anyhow::Result<SocketAddr> {
        let props = locked(&self.props);
        props.server.as_ref().map(|server| server.address).context("there is no server")
    }

    /// A client with the admin key.
    pub(super) fn client(&self) -> anyhow::Result<Client> {
        Ok(Client::new(self.address()?).with_key(self.key.clone()))
    }

    /// Kills the server with SIGKILL, and starts it again: on the same data, at another address.
    /// Gives how long it took from its start until it listened.
    pub(super) fn kill_and_restart(&self) -> anyhow::Result<Duration> {
        // Clients that ask for the address wait meanwhile, and learn of it where none comes back.
        let mut props = locked(&self.props);
        if let Some(mut server) = props.server.take() {
            server.kill().context("killing the server")?;
        }
        let server = self.launch.start()?;
        let ready_after = server.ready_after;
        props.server = Some(server);
        Ok(ready_after)
    }

    /// Ends the server and puts everything away.
    pub(super) fn strike(self) -> anyhow::Result<()> {
        let server = locked(&self.props).server.take();
        if let Some(mut server) = server {
            let status = server.finish().context("waiting for the server's end")?;
            anyhow::ensure!(status.success(), "the server ended with {status}");
        }
        Ok(())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        locked(&self.props).put_away();
    }
}

impl Props {
    fn put_away(&mut self) {
        drop(self.server.take());
        let Some(folder) = self.folder.take() else { return };
        let path = folder.path().to_owned();
        drop(folder);
        if path.exists() {
            // Nobody may be there any more to read it.
            let _ = say(format_args!("kept: {}", path.display()));
        }
    }
}

/// Nothing is half done where a panic left the lock: what it guards is put in and taken out whole.
fn locked(props: &Mutex<Props>) -> MutexGuard<'_, Props> {
    props.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Puts everything away and ends this process when it is told to end.
fn end_with_signals(props: &Arc<Mutex<Props>>) -> anyhow::Result<()> {
    let props = Arc::clone(props);
    let (begun, has_begun) = mpsc::channel();
    thread::spawn(move || {
        let waited = actix_web::rt::Runtime::new().and_then(|runtime| {
            runtime.block_on(async {
                let mut interrupt = signal(SignalKind::interrupt())?;
                let mut terminate = signal(SignalKind::terminate())?;
                let _ = begun.send(Ok(()));
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                Ok(())
            })
        });
        if let Err(error) = waited {
            let _ = begun.send(Err(error));
            return;
        }
        // Nobody can start another server while this is held.
        let mut props = locked(&props);
        props.put_away();
        std::process::exit(INTERRUPTED);
    });
    has_begun.recv()?.context("waiting for signals")
}
