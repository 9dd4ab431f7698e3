//! Reads a trace of system calls that `strace -f -y -xx` wrote.

use std::collections::BTreeMap;

/// A call that changes something under the traced folder; paths are relative to it.
#[derive(Clone, Debug)]
pub(super) enum Call {
    Open {
        path: String,
        truncates: bool,
    },
    Write {
        path: String,
        offset: u64,
        bytes: Vec<u8>,
    },
    SetLength {
        path: String,
        length: u64,
    },
    Sync(String),
    Rename {
        from: String,
        to: String,
    },
    Remove(String),
    Folder(String),
    /// What the traced program wrote to its file of marks.
    Mark(String),
}

impl Call {
    pub(super) fn name(&self) -> String {
        match self {
            Self::Write { path, offset, bytes } => {
                format!("(write of {} at {offset} of {path})", bytes.len())
            }
            other => format!("({other:?})"),
        }
    }
}

/// The calls of a trace. A call that another thread's interrupted counts where it returned.
pub(super) fn read_trace(trace: &str, root: &str) -> Vec<Call> {
    let mut unfinished: BTreeMap<&str, String> = BTreeMap::new();
    let mut positions: BTreeMap<String, u64> = BTreeMap::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let (process, line) = line.split_once(' ').unwrap_or((line, ""));
        let line = line.trim_start();
        let whole = if let Some(start) = line.strip_suffix("<unfinished ...>") {
            unfinished.insert(process, start.to_owned());
            continue;
        } else if let Some((_, rest)) =
            line.strip_prefix("<... ").and_then(|line| line.split_once("resumed>"))
        {
            unfinished.remove(process).unwrap_or_default() + rest
        } else {
            line.to_owned()
        };
        let Some((call, result)) = whole.rsplit_once(" = ") else {
            continue;
        };
        if !result.starts_with('-')
            && let Some(call) = read_call(call.trim_end(), result, root, &mut positions)
        {
            calls.push(call);
        }
    }
    calls
}

fn read_call(
    call: &str,
    result: &str,
    root: &str,
    positions: &mut BTreeMap<String, u64>,
) -> Option<Call> {
    let (name, arguments) = call.strip_suffix(')')?.split_once('(')?;
    let arguments: Vec<&str> = arguments.split(", ").collect();
    let argument = |index: usize| arguments.get(index).map_or("", |argument| argument.trim());
    // The database is made under another name first, and renamed once it is durable; the tests
    // begin after that, so one name will do.
    let relative = |path: String| {
        let path = path.strip_prefix(root)?.trim_start_matches('/').to_owned();
        Some(path.replace("sled.new", "sled"))
    };
    let opened = |text: &str| {
        let (_, path) = text.split_once('<')?;
        relative(unescape(path.strip_suffix('>')?))
    };
    let named = |text: &str| relative(unescape(text.trim_matches('"')));
    match name {
        "openat" => {
            let path = opened(result)?;
            positions.insert(path.clone(), 0);
            let truncates = argument(2).contains("O_TRUNC");
            let creates = argument(2).contains("O_CREAT") && path != "mark";
            creates.then_some(Call::Open { path, truncates })
        }
        "write" | "pwrite64" => {
            let path = opened(argument(0))?;
            let bytes = unescape_bytes(argument(1).trim_matches('"'));
            assert_eq!(bytes.len().to_string(), result.trim(), "a write was cut short: {name}");
            if path == "mark" {
                return Some(Call::Mark(String::from_utf8_lossy(&bytes).into_owned()));
            }
            let position = positions.entry(path.clone()).or_default();
            let offset = if name == "write" { *position } else { argument(3).parse().ok()? };
            if name == "write" {
                *position += bytes.len() as u64;
            }
            Some(Call::Write { path, offset, bytes })
        }
        "fsync" | "fdatasync" => Some(Call::Sync(opened(argument(0))?)),
        "ftruncate" => {
            let length = argument(1).parse().ok()?;
            Some(Call::SetLength { path: opened(argument(0))?, length })
        }
        "rename" => {
            let (from, to) = (named(argument(0))?, named(argument(1))?);
            (from != to).then_some(Call::Rename { from, to })
        }
        "unlink" => Some(Call::Remove(named(argument(0))?)),
        "mkdir" => Some(Call::Folder(named(argument(0))?)),
        _ => None,
    }
}

fn unescape(text: &str) -> String {
    if text.contains("\\x") {
        return String::from_utf8_lossy(&unescape_bytes(text)).into_owned();
    }
    text.to_owned()
}

fn unescape_bytes(text: &str) -> Vec<u8> {
    let digits = |pair: &str| u8::from_str_radix(pair.get(..2)?, 16).ok();
    text.split("\\x").skip(1).filter_map(digits).collect()
}
