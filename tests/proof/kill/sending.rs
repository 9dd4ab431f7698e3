//! Sending a request to a server that may be killed meanwhile.

use redeemd::client::{Answer, Client, Error, Request};

use super::Fault;

/// What came of sending a request.
pub(super) enum Sent {
    Answered(Answer),
    /// It may or may not have been carried out.
    CutOff,
    /// It was certainly not carried out.
    Not,
}

/// Sends a request once. A server that was not killed and says nothing for too long is at fault.
pub(super) fn send(client: &mut Client, request: &Request<'_>) -> Result<Sent, Fault> {
    match client.send(request) {
        Ok(answer) if answer.problem().as_deref() == Some("outcome_unknown") => Ok(Sent::CutOff),
        Ok(answer) => Ok(Sent::Answered(answer)),
        Err(Error::Refused { .. }) => Ok(Sent::Not),
        Err(Error::Lost(error) | Error::CutOff(error)) if !is_silence(&error) => Ok(Sent::CutOff),
        Err(error) => Err(error.to_string()),
    }
}

fn is_silence(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}
