//! The client: one address, one key, one connection at a time.

#[cfg(test)]
mod tests;

use std::io::Write;
use std::time::Duration;

use super::answer::Answer;
use super::connection::Connection;
use super::error::Error;
use super::head::Head;
use super::request::Request;
use super::target::Target;
use super::upload::Upload;

/// How long the server may be silent, where nothing else is said.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends one request after another to a server, over a connection that it keeps.
///
/// `Debug` does not write the key.
pub struct Client {
    target: Target,
    key: Option<String>,
    patience: Duration,
    connection: Option<Connection>,
    wire: Vec<u8>,
}

impl Client {
    /// A client of the server at a place. It connects with its first request.
    pub fn new(target: impl Into<Target>) -> Self {
        Self {
            target: target.into(),
            key: None,
            patience: PATIENCE,
            connection: None,
            wire: Vec::new(),
        }
    }

    /// The same, with an API key.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The same, for a server that may be silent for so long.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Where it sends its requests.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Turns to another place, for a server that came back elsewhere.
    pub fn turn_to(&mut self, target: impl Into<Target>) {
        let target = target.into();
        if target != self.target {
            self.target = target;
            self.connection = None;
        }
    }

    /// Sends a request and gets the whole answer.
    ///
    /// # Errors
    /// When there is no answer, see [`Error`]. A request that only reads is sent a second time
    /// where a kept connection turns out to have ended.
    pub fn send(&mut self, request: &Request<'_>) -> Result<Answer, Error> {
        self.exchange(request, None)
    }

    /// Sends a request and passes the answer's body on to `output` as it comes in, if the request
    /// was carried out; what else is answered is in the [`Answer`].
    ///
    /// # Errors
    /// When there is no answer, see [`Error`]. The output may have got a part of it then.
    pub fn send_to(
        &mut self,
        request: &Request<'_>,
        output: &mut dyn Write,
    ) -> Result<Answer, Error> {
        self.exchange(request, Some(output))
    }

    /// Sends a request whose body is read while it is sent, and gets the whole answer.
    ///
    /// # Errors
    /// When there is no answer, see [`Error`], or the body cannot be read. It is never sent again.
    pub fn upload(
        &mut self,
        request: &Request<'_>,
        mut upload: Upload<'_>,
    ) -> Result<Answer, Error> {
        // A kept connection may have ended, and a body cannot be read twice to find out.
        let mut connection = Connection::open(&self.target, self.patience)?;
        let mut wire = Vec::new();
        request.write(self.target.host(), self.key.as_deref(), Some(upload.framing()), &mut wire);
        let head = connection.ask_with(&wire, &mut upload)?;
        self.finish(connection, head, None)
    }

    fn exchange(
        &mut self,
        request: &Request<'_>,
        output: Option<&mut dyn Write>,
    ) -> Result<Answer, Error> {
        let mut wire = std::mem::take(&mut self.wire);
        request.write(self.target.host(), self.key.as_deref(), None, &mut wire);
        let asked = self.ask(&wire, request);
        self.wire = wire;
        let (connection, head) = asked?;
        self.finish(connection, head, output)
    }

    fn finish(
        &mut self,
        mut connection: Connection,
        head: Head,
        output: Option<&mut dyn Write>,
    ) -> Result<Answer, Error> {
        let mut body = Vec::new();
        match output {
            Some(output) if (200..300).contains(&head.status) => connection.body(&head, output)?,
            _ => connection.body(&head, &mut body)?,
        }
        if connection.can_be_used() {
            self.connection = Some(connection);
        }
        Ok(Answer::new(head, body))
    }

    fn ask(&mut self, wire: &[u8], request: &Request<'_>) -> Result<(Connection, Head), Error> {
        if let Some(mut connection) = self.connection.take() {
            match connection.ask(wire) {
                // A server may end a connection that is idle at any time.
                Err(Error::Lost(_)) if request.only_reads() => {}
                answered => return answered.map(|head| (connection, head)),
            }
        }
        let mut connection = Connection::open(&self.target, self.patience)?;
        let head = connection.ask(wire)?;
        Ok((connection, head))
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Client").field("target", &self.target).finish_non_exhaustive()
    }
}
