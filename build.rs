//! Says which commit the program is built from, in the variable `BUILD_COMMIT` of the compiler.
//!
//! Whoever builds may say it (`BUILD_COMMIT`, as the Dockerfile does). Otherwise a release asks git,
//! and any other build says `unknown`: a commit must not make everybody compile again what it did
//! not change. Neither git nor a repository is needed.

// What cargo reads is what it prints.
#![allow(clippy::print_stdout)]

use std::path::Path;
use std::process::Command;

/// How many digits of a commit are shown.
const DIGITS: &str = "--short=12";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=BUILD_COMMIT");
    let said = std::env::var("BUILD_COMMIT").ok().filter(|said| is_name(said));
    let is_release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let commit = said.or_else(|| if is_release { checked_out() } else { None });
    println!("cargo:rustc-env=BUILD_COMMIT={}", commit.as_deref().unwrap_or("unknown"));
}

/// Whether it can stand on one line, in a label of a metric, as it is.
fn is_name(said: &str) -> bool {
    let is_part = |one: char| one.is_ascii_alphanumeric() || "-_.+/".contains(one);
    (1..=64).contains(&said.len()) && said.chars().all(is_part)
}

/// The commit that is checked out here. A repository around this folder is another one's: somebody
/// unpacked an archive in it.
fn checked_out() -> Option<String> {
    if !git(&["rev-parse", "--show-prefix"])?.is_empty() {
        return None;
    }
    // Another commit is another build. What does not exist would make every build a new one.
    let branch = git(&["symbolic-ref", "--quiet", "HEAD"]);
    let names = ["HEAD", "logs/HEAD"].into_iter().chain(branch.as_deref());
    for path in names.filter_map(|name| git(&["rev-parse", "--git-path", name])) {
        if Path::new(&path).exists() {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    git(&["rev-parse", DIGITS, "HEAD"]).filter(|commit| is_name(commit))
}

fn git(arguments: &[&str]) -> Option<String> {
    let ran = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(ran.stdout).ok()?;
    ran.status.success().then(|| text.trim().to_owned())
}
