//! PgBouncer in front of a PostgreSQL server, in transaction mode, with the settings of
//! `deploy/pgbouncer`.

use std::path::{Path, PathBuf};
use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};

use super::guarded::{free_port, spawn_guarded};
use super::postgres::{Database, as_unprivileged, give_away, hand_over};

/// A pooler for one database.
pub(crate) struct PgBouncer {
    folder: PathBuf,
    url: String,
    process: Option<Child>,
}

impl PgBouncer {
    /// Starts one.
    pub(crate) fn start(database: &Database<'_>) -> Self {
        Self::start_with(database, |_| String::new())
    }

    /// Starts one that knows nobody who comes without TLS, with the certificate in a file and its
    /// key in another one.
    pub(crate) fn start_encrypted(database: &Database<'_>, certificate: &Path, key: &Path) -> Self {
        Self::start_with(database, |folder| {
            let [its_certificate, its_key] = ["server.pem", "server.key"].map(|it| folder.join(it));
            hand_over(certificate, &its_certificate);
            hand_over(key, &its_key);
            format!(
                "client_tls_sslmode = require\nclient_tls_cert_file = {}\nclient_tls_key_file = {}\n",
                its_certificate.display(),
                its_key.display()
            )
        })
    }

    /// Starts one with more settings, which may name files of its folder.
    fn start_with(database: &Database<'_>, more: impl FnOnce(&Path) -> String) -> Self {
        let folder = tempfile::Builder::new().prefix("redeemd-pgb-").tempdir().unwrap().keep();
        give_away(&folder);
        let port = free_port();
        let users = folder.join("users");
        std::fs::write(&users, "\"redeemd\" \"redeemd\"\n").unwrap();
        let settings = configure(database, port, &users) + &more(&folder);
        std::fs::write(folder.join("pgbouncer.ini"), settings).unwrap();
        let url = format!("postgres://redeemd:redeemd@127.0.0.1:{port}/redeemd");
        let mut pooler = Self { folder, url, process: None };
        pooler.run();
        pooler
    }

    /// Starts it again after [`PgBouncer::kill`].
    pub(crate) fn run(&mut self) {
        let mut command = as_unprivileged(Path::new("/usr/sbin/pgbouncer"));
        command.arg(self.folder.join("pgbouncer.ini"));
        self.process = Some(spawn_guarded(command, Some(&self.folder.join("log"))));
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

    /// The URL of the database through it, without parameters.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

/// The settings of `deploy/pgbouncer`, for this database, and with so few connections that they are
/// shared.
fn configure(database: &Database<'_>, port: u16, users: &Path) -> String {
    let shared = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/pgbouncer/pgbouncer.ini");
    let mut settings = std::fs::read_to_string(shared).unwrap();
    let postgres = database.server.port();
    let name = database.name();
    for (given, here) in [
        ("host=postgres port=5432", format!("host=127.0.0.1 port={postgres} user=postgres")),
        ("dbname=redeemd", format!("dbname={name}")),
        ("listen_addr = 0.0.0.0", "listen_addr = 127.0.0.1".to_owned()),
        ("listen_port = 6432", format!("listen_port = {port}")),
        ("/run/pgbouncer/users", users.display().to_string()),
        ("default_pool_size = 8", "default_pool_size = 2".to_owned()),
    ] {
        assert_eq!(settings.matches(given).count(), 1, "{given}");
        settings = settings.replace(given, &here);
    }
    settings
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        self.end(Signal::INT);
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
