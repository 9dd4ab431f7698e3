//! `redeemd serve`.

use std::process::ExitCode;

use super::Arguments;
use crate::application::{self, Options};
use crate::http::Extras;
use crate::logging;

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let settings = arguments.settings()?;
    let filter = std::env::var("REDEEMD_LOG").ok();
    logging::start(&settings.log, filter.as_deref())?;
    let options = Options {
        bootstrap_admin_key: std::env::var("REDEEMD_BOOTSTRAP_ADMIN_KEY").ok(),
        secret: std::env::var("REDEEMD_SECRET").ok(),
        extras: Extras::None,
    };
    application::serve(&settings, &options)?;
    Ok(ExitCode::SUCCESS)
}
