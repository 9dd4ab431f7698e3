//! Sources of settings, each read into plain (key, value) pairs that remember their origin. Knows
//! how a source is written, never what a setting means.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use config::{Environment, FileFormat, Map, Source, Value, ValueKind};

use crate::error::{Error, Problem};

/// The settings as they stand when nothing is set; also the list of all keys and their types.
const DEFAULTS: &str = include_str!("../default.toml");

/// The most that is read of a settings file.
const FILE_LIMIT_BYTES: u64 = 1024 * 1024;

const PREFIX: &str = "REDEEMD_";

/// Variables of the environment that are read elsewhere and are no settings.
const NOT_SETTINGS: [&str; 6] = [
    "REDEEMD_CONFIG",
    "REDEEMD_BOOTSTRAP_ADMIN_KEY",
    "REDEEMD_SECRET",
    "REDEEMD_LOG",
    "REDEEMD_SERVER",
    "REDEEMD_API_KEY",
];

/// Beginnings of variables with which tests, campaigns and benchmarks are steered.
const NOT_SETTINGS_PREFIXES: [&str; 4] =
    ["REDEEMD_TEST_", "REDEEMD_SIMULATOR_", "REDEEMD_KILL_", "REDEEMD_BENCH_"];

/// Where a value was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    File(PathBuf),
    Variable(String),
    Flag,
}

impl Origin {
    /// Whether values from here are always text, so that numbers have to be read from it.
    fn is_textual(&self) -> bool {
        matches!(self, Self::Variable(_) | Self::Flag)
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => write!(formatter, "the defaults"),
            Self::File(path) => write!(formatter, "the file {}", path.display()),
            Self::Variable(name) => write!(formatter, "the environment variable {name}"),
            Self::Flag => write!(formatter, "the command line"),
        }
    }
}

/// One value of one source.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    pub(crate) value: ValueKind,
    pub(crate) origin: Origin,
}

impl Given {
    /// Reads text as what it means and keeps it so; only where the source knows nothing but text.
    pub(crate) fn parse<T: FromStr + Copy>(&mut self, kind: fn(T) -> ValueKind) -> Option<T> {
        let ValueKind::String(text) = &self.value else { return None };
        let meaning = text.parse().ok().filter(|_| self.origin.is_textual())?;
        self.value = kind(meaning);
        Some(meaning)
    }

    /// The items of a list of texts. Where the source knows nothing but text, commas stand between
    /// them, and it is kept as the list that it means.
    pub(crate) fn items(&mut self) -> Option<Vec<String>> {
        if let ValueKind::String(text) = &self.value
            && self.origin.is_textual()
        {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            self.value = ValueKind::Array(items.map(Value::from).collect());
        }
        let ValueKind::Array(items) = &self.value else { return None };
        let text = |item: &Value| match &item.kind {
            ValueKind::String(text) => Some(text.clone()),
            _ => None,
        };
        items.iter().map(text).collect()
    }
}

/// Values by key, with dots between section and key.
pub(crate) type Layer = BTreeMap<String, Given>;

/// What is built in.
pub(crate) fn defaults() -> Result<Layer, Error> {
    toml(DEFAULTS, &Origin::Default, Path::new("default.toml"))
}

/// What a file says.
pub(crate) fn file(path: &Path) -> Result<Layer, Error> {
    let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
    let mut text = String::new();
    let read = File::open(path)
        .and_then(|file| file.take(FILE_LIMIT_BYTES + 1).read_to_string(&mut text))
        .map_err(unreadable)?;
    if read as u64 > FILE_LIMIT_BYTES {
        return Err(Error::TooLarge { path: path.to_owned(), limit_bytes: FILE_LIMIT_BYTES });
    }
    toml(&text, &Origin::File(path.to_owned()), path)
}

/// What the environment says; variables that are not ours or no settings are passed over.
pub(crate) fn environment(
    variables: Vec<(OsString, OsString)>,
    problems: &mut Vec<Problem>,
) -> Layer {
    let mut ours = Map::new();
    for (name, value) in variables {
        let Some(name) = name.to_str().filter(|name| is_setting(name)) else { continue };
        let mut refuse = |detail: &str| {
            problems.push(Problem {
                key: key_of_variable(name),
                origin: Origin::Variable(name.to_owned()).to_string(),
                detail: detail.to_owned(),
            });
        };
        match value.into_string() {
            // Two spellings of one name would otherwise race for the value.
            _ if name != name.to_uppercase() => refuse("must be written in upper case"),
            Ok(value) => {
                ours.insert(name.to_owned(), value);
            }
            Err(_) => refuse("is not valid UTF-8"),
        }
    }
    // `separator` would change what stands after the prefix too, were it not set by itself.
    let source = Environment::with_prefix("REDEEMD")
        .prefix_separator("_")
        .separator("__")
        .source(Some(ours));
    let origin_of = |key: &str| Origin::Variable(variable_of_key(key));
    // Collecting from a map of our own cannot fail: nothing is parsed, and all of it is UTF-8.
    flatten(source.collect().unwrap_or_default(), &origin_of)
}

/// What the flags say.
pub(crate) fn overrides(pairs: Vec<(String, String)>) -> Layer {
    pairs
        .into_iter()
        .map(|(key, value)| (key, Given { value: ValueKind::String(value), origin: Origin::Flag }))
        .collect()
}

fn toml(text: &str, origin: &Origin, path: &Path) -> Result<Layer, Error> {
    let source = config::File::from_str(text, FileFormat::Toml);
    let map = source.collect().map_err(|error| Error::Malformed {
        path: path.to_owned(),
        reason: on_one_line(&error.to_string()),
    })?;
    Ok(flatten(map, &|_| origin.clone()))
}

/// The parser draws its message over several lines, with the offending line and a caret; a reason
/// has to fit on one.
fn on_one_line(message: &str) -> String {
    let lines = message.lines().map(str::trim).filter(|line| {
        !line.is_empty() && line.chars().any(|character| !matches!(character, '|' | '^' | ' '))
    });
    lines.collect::<Vec<_>>().join("; ")
}

fn flatten(map: Map<String, Value>, origin_of: &dyn Fn(&str) -> Origin) -> Layer {
    let mut layer = Layer::new();
    // Depth is bounded by the parser, which refuses deeper nesting than 80.
    let mut waiting: Vec<(String, Value)> = map.into_iter().collect();
    while let Some((key, value)) = waiting.pop() {
        match value.kind {
            ValueKind::Table(table) if !table.is_empty() => waiting
                .extend(table.into_iter().map(|(name, value)| (format!("{key}.{name}"), value))),
            kind => {
                let origin = origin_of(&key);
                layer.insert(key, Given { value: kind, origin });
            }
        }
    }
    layer
}

fn is_setting(name: &str) -> bool {
    name.starts_with(PREFIX)
        && !NOT_SETTINGS.contains(&name)
        && !NOT_SETTINGS_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn variable_of_key(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_uppercase())
}

fn key_of_variable(name: &str) -> String {
    name.trim_start_matches(PREFIX).to_lowercase().replace("__", ".")
}
