//! Taking a backup from a running server.

use std::io::Write;
use std::process::ExitCode;

use super::connection::ConnectionArguments;
use super::refused::Refused;
use super::with_server;
use crate::client::Request;

const PATH: &str = "/api/v1/backup";

/// Passes a backup on to `output` as it comes. It is asked for once: what came already cannot be
/// taken back.
///
/// # Errors
/// The refusal, or why there is no backup.
pub(in crate::cli) fn take(
    connection: &ConnectionArguments,
    output: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    with_server(connection, |session| {
        let request = Request::get(PATH).accept("application/x-tar");
        Refused::check(session.client.send_to(&request, output)?)?;
        Ok(ExitCode::SUCCESS)
    })
}
