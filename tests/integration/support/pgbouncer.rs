//! PgBouncer in front of a PostgreSQL server, in transaction mode.

use std::path::{Path, PathBuf};
use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};

use super::postgres::{Database, as_unprivileged, free_port, give_away, spawn_guarded};

/// A pooler for one database.
pub(crate) struct PgBouncer {
    folder: PathBuf,
    url: String,
    process: Child,
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
             ignore_startup_parameters = extra_float_digits\n",
            database.server.port()
        );
        std::fs::write(folder.join("pgbouncer.ini"), settings).unwrap();
        let settings = folder.join("pgbouncer.ini");
        let process = spawn_guarded(folder.clone(), move || {
            let mut command = as_unprivileged(Path::new("/usr/sbin/pgbouncer"));
            command.arg(settings);
            command
        });
        let url = format!("postgres://postgres@127.0.0.1:{port}/{}", database.name());
        Self { folder, url, process }
    }

    /// The URL of the database through it.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.process), Signal::INT);
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
