//! `redeemd config check`.

use std::process::ExitCode;

use redeemd_config::{Description, Settings};
use serde_json::{Map, Value, json};

use super::Arguments;
use super::arguments::ConfigCommand;
use super::progress::say;

pub(super) fn run(arguments: &Arguments, command: &ConfigCommand) -> anyhow::Result<ExitCode> {
    let ConfigCommand::Check(check) = command;
    super::with_json_errors(check.json, || {
        let described = Settings::describe(arguments.load_options())?;
        match check.json {
            true => say(format_args!("{}", as_json(&described)))?,
            false => say(format_args!("{}", described.to_string().trim_end()))?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// An object with each setting by its key: its value, as a settings file would have it, and where it
/// was given.
fn as_json(described: &Description) -> Value {
    let settings = described.settings().iter().map(|setting| {
        let value = json!({ "value": value(&setting.value), "from": setting.origin });
        (setting.key.clone(), value)
    });
    settings.collect::<Map<_, _>>().into()
}

/// A value of a settings file. Texts, numbers and flags are written as JSON writes them.
fn value(toml: &str) -> Value {
    serde_json::from_str(toml).unwrap_or_else(|_| toml.into())
}
