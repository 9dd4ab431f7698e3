//! Help and completions: true, and there for every command.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::run;

/// Visits every command but those that only show help.
fn visit(path: &str, command: &clap::Command, visitor: &mut dyn FnMut(&str, &clap::Command)) {
    visitor(path, command);
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        visit(&format!("{path} {}", inner.get_name()), inner, visitor);
    }
}

#[test]
fn every_command_says_what_it_does_and_has_an_example() {
    let mut count = 0;
    visit("redeemd", &redeemd::cli::command(), &mut |path, command| {
        count += 1;
        assert!(command.get_about().is_some(), "{path} does not say what it does");
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(help.contains("Example"), "{path} has no example");
        assert!(help.contains(&format!("  {path}")) || path == "redeemd", "{path}: {help}");
        for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
            let name = argument.get_id();
            assert!(argument.get_help().is_some(), "{path}: {name} does not say what it is");
        }
    });
    assert!(count > 20);
}

#[test]
fn every_example_can_be_typed() {
    visit("redeemd", &redeemd::cli::command(), &mut |path, command| {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let examples = help.lines().map(str::trim);
        for example in examples.filter(|line| line.contains("redeemd ") && !line.ends_with('.')) {
            // What a shell does with the line is not what is tried.
            let typed = example.split(" > ").next().unwrap();
            let mut typed = typed.split(" < ").next().unwrap().split("| ");
            let typed = typed.find(|part| part.contains("redeemd ")).unwrap();
            let typed = typed.replace('…', "1").replace("@reward.json", "{}");
            let parsed = redeemd::cli::command().try_get_matches_from(words(&typed));
            if let Err(error) = parsed {
                panic!("{path}: {example}: {error}");
            }
        }
    });
}

/// Splits a line as a shell does that knows single quotes only.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (place, part) in line.split('\'').enumerate() {
        match place % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

#[test]
fn shells_can_complete_it() {
    let nowhere = "127.0.0.1:1".parse().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = run(nowhere, &["completions", shell]);
        for word in ["campaign", "issue", "idempotency-key", "validate-share"] {
            assert!(script.done().contains(word), "{shell} knows no {word}");
        }
    }
    let script = run(nowhere, &["completions", "bash"]);
    let mut bash = Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn().unwrap();
    bash.stdin.take().unwrap().write_all(script.done().as_bytes()).unwrap();
    assert!(bash.wait().unwrap().success());
    assert_eq!(run(nowhere, &["completions", "dos"]).code, 2);
    assert_eq!(run(nowhere, &["no-such-command"]).code, 2);
}
