//! All settings together, and how they are loaded. Paths are judged here, since they concern each
//! other; every other section judges itself.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use crate::clock::Clock;
use crate::describe::Description;
use crate::error::Error;
use crate::events::Events;
use crate::holds::Holds;
use crate::http::Http;
use crate::journal::Journal;
use crate::layer::{self, Layer};
use crate::ledger::Ledger;
use crate::limits::Limits;
use crate::log::Log;
use crate::postgres::Postgres;
use crate::reader::Reader;
use crate::redemptions::Redemptions;
use crate::redis_section::Redis;
use crate::shards::Shards;
use crate::snapshots::Snapshots;

/// The settings in force. [`Default`] is exactly what `default.toml` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where everything is kept; made at the first start.
    pub data_dir: PathBuf,
    /// The file with the server's secret; never inside the data directory.
    pub secret_file: PathBuf,
    /// The HTTP interface.
    pub http: Http,
    /// The shards and their queues.
    pub shards: Shards,
    /// The write-ahead log.
    pub journal: Journal,
    /// The ordered record of outcomes.
    pub ledger: Ledger,
    /// When snapshots are taken.
    pub snapshots: Snapshots,
    /// The trust in the wall clock.
    pub clock: Clock,
    /// Limits on attempts.
    pub limits: Limits,
    /// What becomes of redemptions.
    pub redemptions: Redemptions,
    /// How many codes may be held.
    pub holds: Holds,
    /// Those who follow what happens.
    pub events: Events,
    /// The server through which several servers count attempts together.
    pub redis: Redis,
    /// The database that outcomes are copied to.
    pub postgres: Postgres,
    /// Logs.
    pub log: Log,
}

/// Where settings are taken from, besides the defaults. Later fields win over earlier ones.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// A TOML file, if one was named.
    pub file: Option<PathBuf>,
    /// The environment, as from [`std::env::vars_os`]. What does not begin with `REDEEMD_` is passed
    /// over, as are the variables that are no settings, such as `REDEEMD_SECRET`.
    pub environment: Vec<(OsString, OsString)>,
    /// Keys and values from the command line, such as `("http.listen", "127.0.0.1:0")`.
    pub overrides: Vec<(String, String)>,
}

impl Settings {
    /// Loads and checks the settings. Opens nothing but the file that was named; paths are looked at.
    ///
    /// # Errors
    /// When the file cannot be read or is not TOML; otherwise all problems together: keys that do
    /// not exist, wrong types, values out of range, settings that contradict each other.
    pub fn load(options: LoadOptions) -> Result<Self, Error> {
        Ok(load(options)?.0)
    }

    /// Loads and checks the settings, together with what tells where each came from.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_described(options: LoadOptions) -> Result<(Self, Description), Error> {
        let (settings, values) = load(options)?;
        Ok((settings, Description::new(values)))
    }

    /// Loads and checks the settings and tells what is in force and where it came from.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn describe(options: LoadOptions) -> Result<Description, Error> {
        Ok(Description::new(load(options)?.1))
    }

    fn read(reader: &mut Reader) -> Self {
        let (data_dir, secret_file) = read_paths(reader);
        Self {
            data_dir,
            secret_file,
            http: Http::read(reader),
            shards: Shards::read(reader),
            journal: Journal::read(reader),
            ledger: Ledger::read(reader),
            snapshots: Snapshots::read(reader),
            clock: Clock::read(reader),
            limits: Limits::read(reader),
            redemptions: Redemptions::read(reader),
            holds: Holds::read(reader),
            events: Events::read(reader),
            redis: Redis::read(reader),
            postgres: Postgres::read(reader),
            log: Log::read(reader),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        let data_dir = PathBuf::from("./redeemd-data");
        Self {
            secret_file: secret_beside(&data_dir),
            data_dir,
            http: Http::default(),
            shards: Shards::default(),
            journal: Journal::default(),
            ledger: Ledger::default(),
            snapshots: Snapshots::default(),
            clock: Clock::default(),
            limits: Limits::default(),
            redemptions: Redemptions::default(),
            holds: Holds::default(),
            events: Events::default(),
            redis: Redis::default(),
            postgres: Postgres::default(),
            log: Log::default(),
        }
    }
}

fn load(options: LoadOptions) -> Result<(Settings, Layer), Error> {
    let LoadOptions { file, environment, overrides } = options;
    let mut problems = Vec::new();
    let file = file.map(|path| layer::file(&path)).transpose()?.unwrap_or_default();
    let environment = layer::environment(environment, &mut problems);
    let layers = vec![file, environment, layer::overrides(overrides)];
    let mut reader = Reader::new(layer::defaults()?, layers, problems);
    let settings = Settings::read(&mut reader);
    Ok((settings, reader.finish()?))
}

fn read_paths(reader: &mut Reader) -> (PathBuf, PathBuf) {
    let given = reader.optional_path("data_dir");
    let is_named = given.as_ref().is_some_and(|path| path.file_name().is_some());
    let data_dir = given.unwrap_or_default();
    if reader.is_sound("data_dir") {
        if !is_named {
            reader.refuse("data_dir", "the path of a directory that ends in its name");
        } else if data_dir.exists() && !data_dir.is_dir() {
            reader.refuse("data_dir", "a directory, or a path where nothing exists yet");
        }
    }
    let secret_file =
        reader.optional_path("secret_file").unwrap_or_else(|| secret_beside(&data_dir));
    if reader.is_sound("secret_file") && reader.is_sound("data_dir") {
        if plain(&secret_file).starts_with(plain(&data_dir)) {
            reader.refuse("secret_file", "a path outside the data directory");
        } else if secret_file.is_dir() {
            reader.refuse("secret_file", "a file, or a path where nothing exists yet");
        }
    }
    (data_dir, secret_file)
}

/// The data directory's own name with `.secret` appended, beside it.
fn secret_beside(data_dir: &Path) -> PathBuf {
    let mut name = data_dir.file_name().unwrap_or_default().to_owned();
    name.push(".secret");
    data_dir.with_file_name(name)
}

/// The path from the root without `.` and `..`. Links are resolved where the path exists already;
/// where it does not, its text is all that there is.
fn plain(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    if let Ok(resolved) = absolute.canonicalize() {
        return resolved;
    }
    let mut plain = PathBuf::new();
    for component in absolute.components() {
        match component {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}
