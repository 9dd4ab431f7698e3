//! `redeemd demo`.

use std::process::ExitCode;

use super::arguments::Demo;

pub(super) fn run(demo: &Demo) -> anyhow::Result<ExitCode> {
    anyhow::bail!("{} codes: not there yet", demo.codes)
}
