//! What the documents name exists: files and headings that they link to, commands, flags, settings,
//! variables of the environment.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use redeemd::cli::Arguments;
use redeemd_config::{LoadOptions, Settings};

/// Variables that are no settings.
const VARIABLES: [&str; 6] = [
    "REDEEMD_CONFIG",
    "REDEEMD_LOG",
    "REDEEMD_SECRET",
    "REDEEMD_SERVER",
    "REDEEMD_API_KEY",
    "REDEEMD_BOOTSTRAP_ADMIN_KEY",
];
/// Beginnings of variables with which tests and benchmarks are steered.
const PREFIXES: [&str; 6] = [
    "REDEEMD_TEST_",
    "REDEEMD_SIMULATOR_",
    "REDEEMD_KILL_",
    "REDEEMD_BENCH_",
    "REDEEMD_WRITE_",
    "REDEEMD_POWER_",
];

/// Names of files and folders that look like settings.
const FILES: [&str; 2] = ["journal.damaged", "journal.old"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every document and its text.
fn documents() -> Vec<(PathBuf, String)> {
    let docs = std::fs::read_dir(root().join("docs")).unwrap();
    let docs = docs.map(|entry| entry.unwrap().path());
    let paths = docs.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let paths = paths.chain([root().join("README.md")]);
    paths.map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

/// The anchor that a heading has, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|one| one.is_alphanumeric() || " -_".contains(*one));
    kept.map(|one| if one == ' ' { '-' } else { one }).collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#'))).collect()
}

/// The lines outside blocks of code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// What stands in backticks, and the lines of blocks of code.
fn code(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut is_block = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_block = !is_block;
        } else if is_block {
            found.push(line);
        } else {
            found.extend(line.split('`').skip(1).step_by(2));
        }
    }
    found
}

#[test]
fn links_lead_somewhere() {
    let mut checked = 0;
    for (path, text) in documents() {
        for target in prose(&text).flat_map(|line| line.split("](").skip(1)) {
            let target = target.split(')').next().unwrap();
            if target.contains("://") {
                continue;
            }
            let (file, fragment) = target.split_once('#').unwrap_or((target, ""));
            let file = match file {
                "" => path.clone(),
                file => path.parent().unwrap().join(file),
            };
            assert!(file.exists(), "{} links to {target}", path.display());
            if !fragment.is_empty() {
                let text = std::fs::read_to_string(&file).unwrap();
                assert!(anchors(&text).contains(fragment), "{}: {target}", path.display());
            }
            checked += 1;
        }
    }
    assert!(checked > 10, "{checked}");
}

/// A name without a folder stands beside the one before it.
#[test]
fn what_the_table_of_features_names_exists() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let rows = readme.lines().skip_while(|line| !line.starts_with("| feature | status |")).skip(2);
    let mut checked = 0;
    for row in rows.take_while(|line| line.starts_with('|')) {
        let [feature, status, shown] = row.trim_matches('|').split(" | ").collect::<Vec<_>>()[..]
        else {
            panic!("a row has three columns: {row}")
        };
        let mut folder = PathBuf::new();
        let mut named = 0;
        for name in code(shown).into_iter().filter(|name| !name.contains(' ')) {
            let path = if name.contains('/') { PathBuf::from(name) } else { folder.join(name) };
            assert!(root().join(&path).exists(), "{feature}: there is no {}", path.display());
            folder = path.parent().unwrap().to_owned();
            named += 1;
        }
        assert_eq!(named > 0, status.trim() != "to come", "{row}");
        checked += named;
    }
    assert!(checked > 50, "{checked}");
}

#[test]
fn commands_and_flags_exist() {
    let mut checked = 0;
    for (path, text) in documents() {
        for line in code(&text) {
            // Another program may stand before it, as in `sudo redeemd …`.
            let Some(place) = line.split_whitespace().position(|word| word == "redeemd") else {
                continue;
            };
            let begin = line.split_whitespace().next().unwrap_or_default();
            let is_call = place == 0 || ["sudo", "docker", "runuser", "$"].contains(&begin);
            if is_call && !line.contains("://redeemd") {
                // The user or the service of that name, as in `sudo -u redeemd redeemd …`.
                let words = line.split_whitespace().skip(place + 1);
                check(words.skip_while(|word| *word == "redeemd"), line, &path);
                checked += 1;
            }
        }
    }
    assert!(checked > 10, "{checked}");
}

/// Walks down the tree of commands along the words of a line.
fn check<'a>(words: impl Iterator<Item = &'a str>, line: &str, path: &Path) {
    let mut command = Arguments::command();
    command.build();
    for word in words {
        if ["|", "#", ">", "&&", "…", ">>", "2>"].contains(&word) {
            break;
        }
        if let Some(flag) = word.strip_prefix("--") {
            let name = flag.split('=').next().unwrap_or_default();
            let exists = command.get_arguments().any(|known| known.get_long() == Some(name));
            assert!(exists, "{}: there is no --{name} in: {line}", path.display());
        } else if command.has_subcommands() && !word.starts_with('-') {
            let alternatives = word.split('|');
            let mut found = None;
            for name in alternatives {
                let next = command.find_subcommand(name);
                let next = next.unwrap_or_else(|| {
                    panic!("{}: there is no command `{name}` in: {line}", path.display())
                });
                found = Some(next.clone());
            }
            command = found.unwrap();
        }
    }
}

#[test]
fn settings_and_variables_exist() {
    let settings = Settings::describe(LoadOptions::default()).unwrap();
    let keys: BTreeSet<&str> = settings.settings().iter().map(|it| it.key.as_str()).collect();
    let sections: BTreeSet<&str> =
        keys.iter().filter_map(|key| Some(key.split_once('.')?.0)).collect();
    let is_part = |one: char| one.is_ascii_alphanumeric() || "._".contains(one);
    let mut checked = 0;
    for (path, text) in documents() {
        for word in code(&text).into_iter().flat_map(|code| code.split(|one| !is_part(one))) {
            let word = word.trim_matches('.');
            if let Some(name) = word.strip_prefix("REDEEMD_") {
                let key = name.to_lowercase().replace("__", ".");
                let is_known = VARIABLES.contains(&word)
                    || PREFIXES.iter().any(|prefix| word.starts_with(prefix))
                    || keys.contains(key.as_str());
                assert!(is_known, "{}: there is no variable {word}", path.display());
                checked += 1;
            } else if let Some((section, name)) = word.split_once('.')
                && sections.contains(section)
                && !["rs", "md", "toml", "json"].contains(&name)
                && !FILES.contains(&word)
            {
                assert!(keys.contains(word), "{}: there is no setting {word}", path.display());
                checked += 1;
            }
        }
    }
    assert!(checked > 20, "{checked}");
}
