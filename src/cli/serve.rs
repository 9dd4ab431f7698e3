//! `redeemd serve`.

use std::io;
use std::process::ExitCode;
use std::thread;

use redeemd_config::Settings;

use super::Arguments;
use super::arguments::Serve;
use crate::application::{self, Options, Reload};
use crate::http::Extras;
use crate::logging;

pub(super) fn run(arguments: &Arguments, serve: Serve) -> anyhow::Result<ExitCode> {
    if serve.end_with_input {
        thread::spawn(end_with_input);
    }
    let load = arguments.load_options();
    let (settings, described) = Settings::load_described(load.clone())?;
    let filter = std::env::var("REDEEMD_LOG").ok();
    let logging = logging::start(&settings.log, filter.as_deref())?;
    let options = Options {
        bootstrap_admin_key: std::env::var("REDEEMD_BOOTSTRAP_ADMIN_KEY").ok(),
        secret: std::env::var("REDEEMD_SECRET").ok(),
        extras: Extras::None,
        reload: Some(Reload { options: load, described, logging }),
    };
    application::serve(&settings, &options)?;
    Ok(ExitCode::SUCCESS)
}

/// Ends this process as SIGTERM does, once whoever holds the other end of standard input lets go of
/// it, be it by its own death.
fn end_with_input() {
    let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TERM);
}
