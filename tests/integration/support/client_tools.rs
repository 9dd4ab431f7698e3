//! Programs from elsewhere that tests use: generators of clients, and what tries the interface.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The project's folder.
pub(crate) fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder with the tools, which are installed first where they are not there yet.
pub(crate) fn client_tools() -> PathBuf {
    let printed = succeed(&mut Command::new(project().join("scripts/client-tools")));
    PathBuf::from(printed.lines().last().unwrap())
}

/// Runs a command and gives what it printed.
pub(crate) fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{printed}\n{errors}", output.status);
    printed
}
