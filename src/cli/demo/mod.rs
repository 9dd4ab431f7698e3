//! `redeemd demo`: a real server, killed in the middle of its work, and a look at every answer that
//! it gave.
//!
//! [`run`] reads from top to bottom as the demonstration goes. It knows of the server what every
//! client knows, and nothing of its inside.

mod campaign;
mod check;
mod codes_file;
mod disk_rate;
mod load;
mod redeemer;
mod report;
mod stage;
mod wishes;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap::error::ErrorKind;

use super::arguments::{Arguments, Demo};
use super::progress::{Progress, say};
use campaign::Campaign;
use codes_file::CodesFile;
use stage::Stage;
use wishes::Wishes;

pub(super) fn run(demo: &Demo) -> anyhow::Result<ExitCode> {
    if demo.redemptions > demo.codes {
        let reason = "more codes would be redeemed than issued: --redemptions exceeds --codes";
        Arguments::command().error(ErrorKind::ValueValidation, reason).exit();
    }
    let stage = Stage::build(demo.keep)?;
    say(format_args!("a server listens at {}, its data is in {}", stage.address()?, stage.path()))?;

    let mut client = stage.client()?;
    let campaign = Campaign::make(&mut client)?;
    let issuing = Progress::begin("issuing codes", demo.codes);
    let codes = CodesFile::issue(&mut client, &campaign, demo.codes, &stage, &issuing)
        .context("issuing codes")?;
    let issued_in = issuing.end()?;
    let wishes = Wishes::new(codes.read(demo.codes / demo.redemptions, demo.redemptions)?);

    let syncs_a_second = disk_rate::measure(stage.folder())?;
    let redeeming = Progress::begin("redeeming", demo.redemptions);
    let load = load::run(&stage, &wishes, demo.clients, &redeeming)?;
    let redeemed_in = redeeming.end()?;

    let checking = Progress::begin("checking every answer", 2 * demo.redemptions);
    let mut findings = check::answers(&stage, &wishes, &load.answers, demo.clients, &checking)?;
    let checked_in = checking.end()?;
    let mut client = stage.client()?;
    check::campaign(&mut client, &campaign, demo, &mut findings)?;
    check::states(&mut client, &campaign, &codes, demo, &mut findings)?;

    let report = report::Report {
        demo,
        issued_in,
        redeemed_in,
        checked_in,
        syncs_a_second,
        load: &load,
        findings: &findings,
    };
    say(format_args!("\n{report}"))?;
    stage.strike()?;
    Ok(if report.is_fine() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
