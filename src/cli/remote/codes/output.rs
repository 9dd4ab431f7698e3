//! Where codes are written to: a new file, or standard output.

use std::io::{self, BufWriter, Stdout, Write};
use std::path::Path;

use anyhow::ensure;

use super::arguments;
use super::code_lines::CodeLines;
use crate::cli::new_file::{Existing, NewFile};
use crate::cli::progress::say;
use crate::cli::remote::insisting::insist;
use crate::cli::remote::session::Session;
use crate::client::{Answer, Request};

/// Somewhere for codes.
pub(super) enum Output {
    File(NewFile),
    Standard(BufWriter<Stdout>),
}

impl Output {
    /// Begins to write.
    ///
    /// # Errors
    /// When the file cannot be had.
    pub(super) fn begin(arguments: &arguments::Output) -> anyhow::Result<Self> {
        if arguments.output == Path::new("-") {
            return Ok(Self::Standard(BufWriter::new(io::stdout())));
        }
        let existing = if arguments.force { Existing::Replace } else { Existing::Keep };
        Ok(Self::File(NewFile::begin(&arguments.output, existing)?))
    }

    /// All of it is written.
    ///
    /// # Errors
    /// When it is not.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        match self {
            Self::File(file) => Ok(file.finish()?),
            Self::Standard(mut output) => Ok(output.flush()?),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Standard(output) => output.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Standard(output) => output.flush(),
        }
    }
}

/// Asks for codes until all of an answer has come, and checks that it has as many as it says. Gives
/// that answer's head.
///
/// # Errors
/// The refusal, why there is no answer, or what is wrong with it.
pub(super) fn receive(
    session: &mut Session,
    request: &Request<'_>,
    lines: &mut CodeLines<'_, Output>,
) -> anyhow::Result<Answer> {
    lines.begin_answer();
    let answer = insist(session.manner, || {
        lines.begin_attempt();
        session.client.send_to(request, lines)
    })?;
    let (came, said) = (lines.end_of_answer(), answer.number("Redeemd-Count"));
    ensure!(
        came.is_some() && came == said,
        "the server announced {said:?} codes and sent {came:?}; nothing is kept"
    );
    Ok(answer)
}

/// Says what was done; where the codes went to standard output, it must not stand between them.
pub(super) fn report(
    session: &Session,
    arguments: &arguments::Output,
    done: &str,
    result: &serde_json::Value,
) -> anyhow::Result<()> {
    let is_file = arguments.output != Path::new("-");
    match (session.json, is_file) {
        (true, true) => say(format_args!("{result}"))?,
        (false, true) => say(format_args!("{done} to {}", arguments.output.display()))?,
        (true, false) => crate::cli::note(&result.to_string()),
        (false, false) => crate::cli::note(&format!("redeemd: {done}")),
    }
    Ok(())
}
