//! Which build it is: the program says it, and the script that finds it out (`build.rs`) is tried in
//! folders with and without git.

use std::path::Path;
use std::process::Command;

use redeemd::build::{COMMIT, VERSION};

use crate::command_line::run;
use crate::support::{Folder, metric};

#[test]
fn the_program_and_its_metrics_say_which_build_they_are() {
    let nowhere = "127.0.0.1:1".parse().unwrap();
    let said = format!("redeemd {VERSION} (commit {COMMIT})\n");
    assert_eq!(run(nowhere, &["--version"]).done(), said);
    let folder = Folder::new();
    let server = folder.start();
    let name = format!("redeemd_build_info{{version=\"{VERSION}\",commit=\"{COMMIT}\"}}");
    assert_eq!(metric(&mut server.client(), &name), 1.0);
}

/// What the script says in a folder.
fn commit(script: &Path, folder: &Path, environment: &[(&str, &str)]) -> String {
    let mut command = Command::new(script);
    command.current_dir(folder).env_remove("BUILD_COMMIT").env_remove("GIT_DIR");
    let ran = command.envs(environment.iter().copied()).output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let text = String::from_utf8(ran.stdout).unwrap();
    for watched in text.lines().filter_map(|line| line.strip_prefix("cargo:rerun-if-changed=")) {
        let is_there = watched == "build.rs" || folder.join(watched).exists();
        assert!(is_there, "what does not exist makes every build a new one: {watched}");
    }
    let line = text.lines().find_map(|line| line.strip_prefix("cargo:rustc-env=BUILD_COMMIT="));
    line.unwrap().to_owned()
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let who = ["-c", "user.name=x", "-c", "user.email=x@example.org"];
    let mut command = Command::new("git");
    let ran = command.current_dir(folder).env_remove("GIT_DIR").args(who).args(arguments).output();
    let ran = ran.unwrap();
    assert!(ran.status.success(), "{ran:?}");
    String::from_utf8(ran.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_release_knows_its_commit_where_there_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("build.rs");
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let mut compiling = Command::new(rustc);
    compiling.arg("--edition=2024").arg(source).arg("-o").arg(&script);
    assert!(compiling.status().unwrap().success());

    let release = ("PROFILE", "release");
    let archive = folder.path().join("archive");
    std::fs::create_dir(&archive).unwrap();
    let ceiling = ("GIT_CEILING_DIRECTORIES", folder.path().to_str().unwrap());
    assert_eq!(commit(&script, &archive, &[release, ceiling]), "unknown");
    let said = [release, ("BUILD_COMMIT", "0f00ba4")];
    assert_eq!(commit(&script, &archive, &said), "0f00ba4");
    let odd = [release, ceiling, ("BUILD_COMMIT", "no\nname")];
    assert_eq!(commit(&script, &archive, &odd), "unknown");

    let repository = folder.path().join("repository");
    std::fs::create_dir_all(repository.join("archive")).unwrap();
    git(&repository, &["init", "--quiet"]);
    assert_eq!(commit(&script, &repository, &[release]), "unknown", "nothing is committed");
    git(&repository, &["commit", "--quiet", "--allow-empty", "--message", "one"]);
    let head = git(&repository, &["rev-parse", "--short=12", "HEAD"]);
    assert_eq!(commit(&script, &repository, &[release]), head);
    assert_eq!(commit(&script, &repository, &[("PROFILE", "debug")]), "unknown");
    assert_eq!(commit(&script, &repository.join("archive"), &[release]), "unknown");
    git(&repository, &["checkout", "--quiet", "--detach"]);
    git(&repository, &["pack-refs", "--all"]);
    assert_eq!(commit(&script, &repository, &[release]), head);
    // A second working tree of it, whose `.git` is a file.
    git(&repository, &["worktree", "add", "--quiet", "../tree"]);
    assert_eq!(commit(&script, &folder.path().join("tree"), &[release]), head);
}
