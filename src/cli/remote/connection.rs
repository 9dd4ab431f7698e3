//! Which server a command talks to, and as whom.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Args;

use crate::cli::Usage;
use crate::client::{Client, Target};

/// The variable that has the API key where no file is named. There is no flag for the key itself:
/// everybody on the machine could read it in the list of processes.
const KEY_VARIABLE: &str = "REDEEMD_API_KEY";

/// The most that is read of a file with a key, in bytes.
const KEY_FILE_LIMIT_BYTES: u64 = 4096;

/// Which server, and as whom.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct ConnectionArguments {
    /// The server: http://host:port, or unix:/path of its socket.
    #[arg(
        long,
        global = true,
        env = "REDEEMD_SERVER",
        default_value = "http://127.0.0.1:8080",
        value_name = "URL",
        help_heading = "Server"
    )]
    pub server: Target,

    /// A file that begins with the API key. Without it the environment has it: REDEEMD_API_KEY.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Server")]
    pub key_file: Option<PathBuf>,

    /// How long the server may be silent, and how long a request is repeated whose answer was lost.
    #[arg(
        long,
        global = true,
        default_value = "60",
        value_name = "SECONDS",
        value_parser = clap::value_parser!(u64).range(1..=86_400),
        help_heading = "Server"
    )]
    pub timeout: u64,

    /// Write what a program can read: JSON on standard output, refusals and errors as JSON on
    /// standard error.
    #[arg(long, global = true, help_heading = "Server")]
    pub json: bool,
}

impl ConnectionArguments {
    /// How long the server may be silent.
    pub(super) fn patience(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }

    /// A client of that server.
    ///
    /// # Errors
    /// When there is no key.
    pub(super) fn client(&self) -> anyhow::Result<Client> {
        let client = Client::new(self.server.clone()).with_key(self.key()?);
        Ok(client.with_patience(self.patience()))
    }

    /// The API key.
    ///
    /// # Errors
    /// When there is none, or it cannot be one.
    pub(super) fn key(&self) -> anyhow::Result<String> {
        let (text, origin) = match &self.key_file {
            Some(path) => {
                let text = begin_of(path);
                let path = path.display();
                (
                    text.with_context(|| format!("cannot read {path} (--key-file)"))?,
                    path.to_string(),
                )
            }
            None => match std::env::var(KEY_VARIABLE) {
                Ok(text) => (text, KEY_VARIABLE.to_owned()),
                Err(_) => {
                    let reason = format!("no API key: give --key-file FILE, or set {KEY_VARIABLE}");
                    return Err(Usage(reason).into());
                }
            },
        };
        let key = text.lines().next().unwrap_or_default().trim();
        // A key with a line break in it would be a header of its own.
        match !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic()) {
            true => Ok(key.to_owned()),
            false => Err(anyhow!("{origin} does not begin with an API key (rk_…)")),
        }
    }
}

fn begin_of(path: &Path) -> std::io::Result<String> {
    let mut text = Vec::new();
    File::open(path)?.take(KEY_FILE_LIMIT_BYTES).read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
