//! `redeemd codes`: issuing codes, having them again, importing them, and looking after single ones.

mod arguments;
mod code_lines;
mod export;
mod import;
mod import_warnings;
mod issue;
mod one_code;
mod output;
mod pieces;

use std::process::ExitCode;

pub(in crate::cli) use arguments::Codes;
use arguments::CodesCommand;

use crate::cli::progress::Grouped;

pub(in crate::cli) fn run(codes: &Codes) -> anyhow::Result<ExitCode> {
    super::with_server(&codes.connection, |session| match &codes.command {
        CodesCommand::Issue(arguments) => issue::run(session, arguments),
        CodesCommand::Export(arguments) => export::run(session, arguments),
        CodesCommand::Import(arguments) => import::run(session, arguments),
        CodesCommand::Lookup => one_code::look_up(session),
        CodesCommand::Revoke(arguments) => one_code::revoke(session, arguments),
        CodesCommand::Restore(arguments) => one_code::restore(session, arguments),
        CodesCommand::TopUp(arguments) => one_code::top_up(session, arguments),
    })
}

/// Where a campaign's codes are.
fn path(campaign: &str) -> String {
    format!("{}/codes", super::campaign::path(campaign))
}

/// So many codes, for people.
fn counted(codes: u64) -> String {
    match codes {
        1 => "1 code".to_owned(),
        many => format!("{} codes", Grouped(many)),
    }
}
