//! Real PostgreSQL servers: one for all tests of a run, and ones of a test's own that can be killed.
//!
//! A server runs beneath a small shell, which ends it and removes its folder when the thread that
//! started it ends, however that happens. So nothing is left behind by a test run that is killed.

use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Pid, Signal, kill_process};

use super::guarded::{bound_to_its_starter, free_port, spawn_guarded};
use super::wait_until;

/// Whose servers run where the tests run as root, which PostgreSQL refuses: `nobody`.
const NOBODY: u32 = 65534;

/// The shell around a server. Its arguments: the folder that goes with it, and the server's command.
/// When the server ends by itself, the folder stays, so that it can be started again.
const GUARD: &str = r#"
folder=$1; shift
"$@" & server=$!
trap 'kill -QUIT $server 2>/dev/null; wait $server; rm -rf "$folder"; exit' TERM
wait $server
"#;

/// Mounts a small disk that nobody else sees and that is gone with its last process, and goes on
/// with a command. Its arguments: the size in megabytes, the owner, where, and the command.
const SMALL_DISK: &str = r#"
mount -t tmpfs -o size="$1m,mode=0700,uid=$2,gid=$2" none "$3" || exit
shift 3
exec "$@"
"#;

/// A PostgreSQL server.
pub(crate) struct Postgres {
    folder: PathBuf,
    port: u16,
    guard: Option<Child>,
    databases: AtomicU32,
    settings: Vec<String>,
    /// The size in megabytes of a disk that only this server sees, if it has one.
    small_disk: Option<u32>,
}

/// A database of one test.
pub(crate) struct Database<'a> {
    pub(crate) server: &'a Postgres,
    name: String,
}

/// The server that all tests share; whoever comes first starts it.
pub(crate) fn shared_postgres() -> &'static Postgres {
    static SHARED: OnceLock<Postgres> = OnceLock::new();
    SHARED.get_or_init(Postgres::start)
}

impl Postgres {
    /// A server in a new folder.
    pub(crate) fn start() -> Self {
        Self::start_with(&[], &[])
    }

    /// One that has a tablespace `small` on a disk of so many megabytes. `None` where the tests may
    /// not mount one. Whoever ends the server loses what is there.
    pub(crate) fn start_with_small_disk(megabytes: u32) -> Option<Self> {
        let tried = Command::new("unshare")
            .args(["--mount", "--", "mount", "-t", "tmpfs", "none", "/mnt"])
            .output();
        if !tried.is_ok_and(|output| output.status.success()) {
            return None;
        }
        let mut server = Self::make(&[], &[], Some(megabytes));
        server.run();
        let create =
            format!("CREATE TABLESPACE small LOCATION '{}'", server.small_disk().display());
        succeed(psql(&server.url("postgres"), &create));
        Some(server)
    }

    /// One in a new folder that is made with more arguments, and that runs with more settings.
    pub(crate) fn start_with(arguments: &[&str], settings: &[&str]) -> Self {
        let mut server = Self::make(arguments, settings, None);
        server.run();
        server
    }

    /// One that can do TLS, with these certificates, and lets in whom these rules let in
    /// (`pg_hba.conf`).
    pub(crate) fn start_encrypted(certificates: &Path, rules: &str) -> Self {
        let files = [
            ("ssl_cert_file", "server.pem"),
            ("ssl_key_file", "server.key"),
            ("ssl_ca_file", "ca.pem"),
        ];
        let settings = files.map(|(setting, file)| format!("{setting}={file}"));
        let settings = [&["ssl=on"], settings.each_ref().map(String::as_str).as_slice()].concat();
        let mut server = Self::make(&[], &settings, None);
        let data = server.folder.join("data");
        for (_, file) in files {
            hand_over(&certificates.join(file), &data.join(file));
        }
        std::fs::write(data.join("pg_hba.conf"), rules).unwrap();
        server.run();
        server
    }

    /// One that does not run yet.
    fn make(arguments: &[&str], settings: &[&str], small_disk: Option<u32>) -> Self {
        let folder = tempfile::Builder::new().prefix("redeemd-pg-").tempdir().unwrap().keep();
        give_away(&folder);
        let mut initdb = as_unprivileged(&program("initdb"));
        initdb.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]);
        initdb.args(["--no-sync", "--no-instructions", "-D"]).arg(folder.join("data"));
        initdb.args(arguments);
        succeed(initdb.stdin(Stdio::null()).output().unwrap());
        let settings = settings.iter().map(|&setting| setting.to_owned()).collect();
        let (port, databases) = (free_port(), AtomicU32::new(0));
        let server = Self { folder, port, guard: None, databases, settings, small_disk };
        if small_disk.is_some() {
            std::fs::create_dir(server.small_disk()).unwrap();
        }
        server
    }

    /// A streaming replica of this one, in a folder of its own.
    pub(crate) fn replica(&self) -> Self {
        let folder = tempfile::Builder::new().prefix("redeemd-pg-").tempdir().unwrap().keep();
        give_away(&folder);
        let mut copy = as_unprivileged(&program("pg_basebackup"));
        copy.args(["--write-recovery-conf", "--checkpoint=fast", "--wal-method=stream", "-D"]);
        copy.arg(folder.join("data")).args(["-d", &self.url("postgres")]);
        succeed(copy.stdin(Stdio::null()).output().unwrap());
        let (guard, databases) = (None, AtomicU32::new(0));
        let settings = self.settings.clone();
        let (port, small_disk) = (free_port(), None);
        let mut replica = Self { folder, port, guard, databases, settings, small_disk };
        replica.run();
        replica
    }

    /// Starts the server again after [`Postgres::kill`] or [`Postgres::stop`].
    pub(crate) fn run(&mut self) {
        let (folder, port) = (&self.folder, self.port.to_string());
        let mut command = as_unprivileged(Path::new("sh"));
        command.args(["-c", GUARD, "guard"]).arg(folder).arg(program("postgres"));
        command.arg("-D").arg(folder.join("data")).arg("-k").arg(folder).args(["-p", &port]);
        // What a crash of the machine would need is left out: only processes are killed here.
        for setting in [
            "listen_addresses=127.0.0.1",
            "fsync=off",
            "full_page_writes=off",
            "max_connections=200",
            "shared_buffers=32MB",
            "log_min_messages=warning",
        ] {
            command.args(["-c", setting]);
        }
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        if let Some(megabytes) = self.small_disk {
            command = on_small_disk(&command, megabytes, &self.small_disk());
        }
        self.guard = Some(spawn_guarded(command, Some(&folder.join("log"))));
        wait_until("PostgreSQL answers", || {
            psql(&self.url("postgres"), "SELECT 1").status.success()
        });
    }

    /// The URL of one of its databases.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// A new database.
    pub(crate) fn database(&self) -> Database<'_> {
        self.database_with("")
    }

    /// A new one that is made with more words.
    pub(crate) fn database_with(&self, more: &str) -> Database<'_> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let create = format!("CREATE DATABASE {name} TEMPLATE template0 {more}");
        succeed(psql(&self.url("postgres"), &create));
        Database { server: self, name }
    }

    /// A database that was made before, by its URL.
    pub(crate) fn existing(&self, url: &str) -> Database<'_> {
        Database { server: self, name: url.rsplit('/').next().unwrap().to_owned() }
    }

    /// Leaves no room on its small disk, or makes room again.
    pub(crate) fn fill_small_disk(&self, is_full: bool) {
        // As its own process sees it.
        let (pid, _) = self.processes();
        let place = self.small_disk().join("ballast");
        let ballast = format!("/proc/{pid}/root{}", place.display());
        if !is_full {
            return std::fs::remove_file(ballast).unwrap();
        }
        let mut file = std::fs::File::create(ballast).unwrap();
        let full = loop {
            if let Err(error) = file.write_all(&[0; 4096]) {
                break error;
            }
        };
        assert_eq!(full.kind(), std::io::ErrorKind::StorageFull, "{full}");
    }

    fn small_disk(&self) -> PathBuf {
        self.folder.join("small")
    }

    /// Lets no file that it writes grow beyond so many bytes, or any file again.
    pub(crate) fn limit_files(&self, bytes: Option<u64>) {
        let limit = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
        let limit = format!("--fsize={limit}:");
        let set = |pid: i32| {
            // By somebody who may: its own user.
            let mut prlimit = as_unprivileged(Path::new("prlimit"));
            prlimit.args(["--pid", &pid.to_string(), &limit]).output().unwrap()
        };
        let (pid, children) = self.processes();
        succeed(set(pid));
        for child in children {
            // It may have ended by now.
            let _ = set(child);
        }
    }

    /// The server's process, and those that it has started.
    pub(crate) fn processes(&self) -> (i32, Vec<i32>) {
        let text = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        let pid = text.lines().next().unwrap().trim().parse().unwrap();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        (pid, children.split_whitespace().map(|child| child.parse().unwrap()).collect())
    }

    /// Kills it with SIGKILL, with all its processes.
    pub(crate) fn kill(&mut self) {
        self.end(Signal::KILL);
    }

    /// Stops it in an orderly way that does not wait for its clients.
    pub(crate) fn stop(&mut self) {
        self.end(Signal::INT);
    }

    fn end(&mut self, signal: Signal) {
        let (pid, children) = self.processes();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
        let _ = self.guard.take().unwrap().wait();
        // A new one does not start beside the former one's children.
        for child in children {
            let process = PathBuf::from(format!("/proc/{child}"));
            wait_until("the server's processes are gone", || !process.exists());
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut guard) = self.guard.take() {
            let _ = kill_process(Pid::from_child(&guard), Signal::TERM);
            let _ = guard.wait();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Database<'_> {
    /// Its URL.
    pub(crate) fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Carries out SQL, and gives its rows as lines, with `|` between columns.
    pub(crate) fn ask(&self, sql: &str) -> String {
        succeed(psql(&self.url(), sql))
    }

    /// As [`Database::ask`], under a name that others can see meanwhile.
    pub(crate) fn ask_as(&self, name: &str, sql: &str) -> String {
        succeed(psql(&format!("{}?application_name={name}", self.url()), sql))
    }

    /// As [`Database::ask`], for what may not be there yet.
    pub(crate) fn try_ask(&self, sql: &str) -> Option<String> {
        let output = psql(&self.url(), sql);
        output.status.success().then(|| succeed(output))
    }

    /// The number that a question has for its answer; 0 where it has none yet.
    pub(crate) fn count(&self, sql: &str) -> u64 {
        self.try_ask(sql).and_then(|text| text.parse().ok()).unwrap_or(0)
    }
}

/// A command that runs as somebody whom PostgreSQL and PgBouncer accept, and that is told to end
/// when its starter ends.
pub(super) fn as_unprivileged(program: &Path) -> Command {
    let mut command = bound_to_its_starter("TERM");
    if rustix::process::geteuid().is_root() {
        let id = NOBODY.to_string();
        command.args(["--reuid", &id, "--regid", &id, "--clear-groups"]);
    }
    command.arg("--").arg(program);
    command
}

/// The same command, with a disk of its own.
fn on_small_disk(command: &Command, megabytes: u32, place: &Path) -> Command {
    let mut wrapped = Command::new("unshare");
    wrapped.args(["--mount", "--", "sh", "-c", SMALL_DISK, "small-disk"]);
    wrapped.args([megabytes.to_string(), NOBODY.to_string()]).arg(place);
    wrapped.arg(command.get_program()).args(command.get_args());
    wrapped
}

/// Makes a folder that of whom [`as_unprivileged`] runs things as.
pub(super) fn give_away(folder: &Path) {
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o711)).unwrap();
    if rustix::process::geteuid().is_root() {
        chown(folder, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

/// Copies a file to where whom [`as_unprivileged`] runs things as can read it, and nobody else.
pub(super) fn hand_over(from: &Path, to: &Path) {
    std::fs::copy(from, to).unwrap();
    std::fs::set_permissions(to, std::fs::Permissions::from_mode(0o600)).unwrap();
    if rustix::process::geteuid().is_root() {
        chown(to, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

/// A program of the newest PostgreSQL of Debian's packages.
fn program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL is not installed");
    let version = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions.map(|entry| entry.unwrap().path()).max_by_key(version);
    newest.unwrap().join("bin").join(name)
}

fn psql(url: &str, sql: &str) -> Output {
    let mut command = Command::new("psql");
    command.env("PGCONNECT_TIMEOUT", "5").env("PGTZ", "UTC").args([
        "-XAtq",
        "-v",
        "ON_ERROR_STOP=1",
    ]);
    command.args(["-d", url, "-c", sql]).stdin(Stdio::null()).output().unwrap()
}

fn succeed(output: Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}
