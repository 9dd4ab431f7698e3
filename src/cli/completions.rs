//! `redeemd completions`.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use clap_complete::{generate, shells};

/// For which shell.
#[derive(Clone, Copy, Debug, Args)]
pub struct Completions {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// A shell that completes what is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shell {
    /// Bash, with bash-completion.
    Bash,
    /// The Z shell.
    Zsh,
    /// The friendly interactive shell.
    Fish,
}

pub(super) fn run(completions: Completions) -> anyhow::Result<ExitCode> {
    let mut command = super::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    match completions.shell {
        Shell::Bash => generate(shells::Bash, &mut command, name, &mut script),
        Shell::Zsh => generate(shells::Zsh, &mut command, name, &mut script),
        Shell::Fish => generate(shells::Fish, &mut command, name, &mut script),
    }
    io::stdout().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}
