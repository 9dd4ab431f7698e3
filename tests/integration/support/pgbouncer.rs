//! PgBouncer in front of a PostgreSQL server, in transaction mode.

use std::path::{Path, PathBuf};
use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};

use super::postgres::{Database, as_unprivileged, free_port, give_away, spawn_guarded};

/// A pooler for one database.
pub(crate) struct PgBouncer {
    folder: PathBuf,
    url: String,
    process: Option<Child>,
}

impl PgBouncer {
    /// Starts one.
    pub(crate) fn start(database: &Database<'_>) -> Self {
        let folder = tempfile::Builder::new().prefix("redeemd-pgb-").tempdir().unwrap().keep();
        give_away(&folder);
        let port = free_port();
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={} user=postgres\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = any\npool_mode = transaction\ndefault_pool_size = 2\n\
             ignore_startup_parameters = extra_float_digits\nserver_login_retry = 1\n",
            database.server.port()
        );
        std::fs::write(folder.join("pgbouncer.ini"), settings).unwrap();
        let url = format!("postgres://postgres@127.0.0.1:{port}/{}", database.name());
        let mut pooler = Self { folder, url, process: None };
        pooler.run();
        pooler
    }

    /// Starts it again after [`PgBouncer::kill`].
    pub(crate) fn run(&mut self) {
        let settings = self.folder.join("pgbouncer.ini");
        self.process = Some(spawn_guarded(self.folder.clone(), move || {
            let mut command = as_unprivileged(Path::new("/usr/sbin/pgbouncer"));
            command.arg(settings);
            command
        }));
    }

    /// Kills it with SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.end(Signal::KILL);
    }

    fn end(&mut self, signal: Signal) {
        if let Some(mut process) = self.process.take() {
            let _ = kill_process(Pid::from_child(&process), signal);
            let _ = process.wait();
        }
    }

    /// The URL of the database through it.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        self.end(Signal::INT);
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
