//! The time of day of one server, which a test sets. That of the machine is nobody's to set.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::process::Command;

/// A clock for servers of a test's own.
pub(crate) struct Clock {
    folder: tempfile::TempDir,
    file: File,
}

impl Clock {
    /// One that is right. It is built by the compiler that links everything else.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/integration/support/clock.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-O1", "-Wall", "-Werror", "-shared", "-fPIC", source, "-ldl", "-o"]);
        let built = compiler.arg(library(&folder)).output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let path = folder.path().join("ahead");
        let file = File::options().read(true).write(true).create_new(true).open(path).unwrap();
        let clock = Self { folder, file };
        clock.set_ahead(0);
        clock
    }

    /// From now on it is so many seconds ahead, or behind.
    pub(crate) fn set_ahead(&self, seconds: i64) {
        self.file.write_all_at(&seconds.to_ne_bytes(), 0).unwrap();
    }

    /// Gives a program this clock.
    pub(crate) fn given_to(&self, mut command: Command) -> Command {
        command.env("LD_PRELOAD", library(&self.folder));
        command.env("TEST_CLOCK", self.folder.path().join("ahead"));
        command
    }
}

fn library(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("clock.so")
}
