//! A place for a server of a test: a folder that goes with it, an admin key, and how it is started.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use redeemd::client::{Client, Launch, Request};
use tempfile::TempDir;

/// The admin key of every test's server.
pub(crate) const ADMIN_KEY: &str = "rk_proof_0123456789abcdefghijklmnopqrstuvwxyz";

/// How long a server may be silent or take to start, on a machine that has a lot to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder, and how the server in it is started.
pub(crate) struct Site {
    folder: TempDir,
    pub(crate) launch: Launch,
}

impl Site {
    /// A place for a server with this journal engine.
    pub(crate) fn new(engine: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("redeemd-proof-").tempdir().unwrap();
        let launch = Launch {
            program: PathBuf::from(env!("CARGO_BIN_EXE_redeemd")),
            wrapper: Vec::new(),
            data_dir: folder.path().join("data"),
            log: folder.path().join("server.log"),
            // Small files, so that they are begun and ended while a test looks.
            settings: [
                &format!("journal.engine={engine}"),
                "journal.segment_bytes=1048576",
                "journal.max_batch_bytes=1048576",
                "journal.reserve_bytes=1048576",
                "ledger.file_bytes=1048576",
            ]
            .map(str::to_owned)
            .to_vec(),
            environment: vec![("REDEEMD_BOOTSTRAP_ADMIN_KEY".to_owned(), ADMIN_KEY.to_owned())],
            patience: PATIENCE,
        };
        Self { folder, launch }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Keeps the folder, for a look at what went wrong in it.
    pub(crate) fn keep(mut self) -> PathBuf {
        self.folder.disable_cleanup(true);
        self.folder.path().to_owned()
    }
}

/// A client with the admin key.
pub(crate) fn admin(address: SocketAddr) -> Client {
    Client::new(address).with_key(ADMIN_KEY).with_patience(PATIENCE)
}

/// Makes a campaign and gives its path.
pub(crate) fn make_campaign(client: &mut Client, uses_per_code: u32) -> String {
    let body = format!(
        r#"{{"name":"Proof","codes":{{"kind":"sealed"}},"uses_per_code":{uses_per_code}}}"#
    );
    let made = client.send(&Request::post("/api/v1/campaigns", &body)).unwrap();
    assert_eq!(made.status(), 201, "{}", made.summary());
    format!("/api/v1/campaigns/{}", made.json().unwrap()["id"].as_str().unwrap())
}

/// Issues codes of a campaign.
pub(crate) fn issue(client: &mut Client, campaign: &str, count: u64) -> Vec<String> {
    let (path, body) = (format!("{campaign}/codes"), format!(r#"{{"count":{count}}}"#));
    let issued = client.send(&Request::post(&path, &body).accept("text/csv")).unwrap();
    assert_eq!(issued.status(), 201, "{}", issued.summary());
    codes_of(issued.body())
}

/// The codes in a table.
pub(crate) fn codes_of(table: &[u8]) -> Vec<String> {
    let table = std::str::from_utf8(table).unwrap();
    table.lines().skip(1).map(str::to_owned).collect()
}

/// The body of a redemption.
pub(crate) fn redemption(code: &str, user: &str) -> String {
    format!(r#"{{"code":"{code}","user_id":"{user}"}}"#)
}
