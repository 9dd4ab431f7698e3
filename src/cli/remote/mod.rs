//! The commands that talk to a running server: they see of it what every client sees.

pub(super) mod backup;
pub(super) mod bench;
pub(super) mod campaign;
pub(super) mod clock;
pub(super) mod codes;
pub(super) mod connection;
mod details;
pub(super) mod events;
mod insisting;
mod json;
pub(super) mod key;
mod pages;
pub(super) mod redemption;
mod refused;
mod session;
mod table;
pub(super) mod verify;

use std::process::ExitCode;

use connection::ConnectionArguments;
use refused::Refused;
use session::Session;

/// Does something with a server. What the server refuses is told to programs as it said it.
fn with_server(
    connection: &ConnectionArguments,
    work: impl FnOnce(&mut Session) -> anyhow::Result<ExitCode>,
) -> anyhow::Result<ExitCode> {
    super::with_json_errors(connection.json, || {
        let mut session = Session::open(connection)?;
        match work(&mut session) {
            Err(error) if connection.json => match error.downcast_ref().and_then(Refused::document)
            {
                Some(document) => {
                    super::note(document);
                    Ok(ExitCode::FAILURE)
                }
                None => Err(error),
            },
            done => done,
        }
    })
}
