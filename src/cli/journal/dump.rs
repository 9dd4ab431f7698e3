//! `redeemd journal dump`.

use std::io::{self, BufWriter, Write as _};
use std::process::ExitCode;

use redeemd_domain::entry::{self, Entry};
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::{control, shard};
use redeemd_persistence::journal::Frame;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Dump;
use super::entry_json::{Detail, control_command, shard_command};
use super::line::Line;
use crate::application::offline::Offline;

/// Ends the reading when nothing more is wanted.
const ENOUGH: &str = "enough";

/// The sequence with this name.
pub(super) fn sequence(text: &str) -> Result<SequenceId, String> {
    if text == "control" {
        return Ok(SequenceId::CONTROL);
    }
    let number = text.strip_prefix("shard-").and_then(|number| number.parse().ok());
    let number: Option<u16> = number.filter(|&number| number < u16::MAX);
    number.map(SequenceId::shard).ok_or_else(|| "expected control, or shard-3".to_owned())
}

pub(super) fn run(offline: &Offline, dump: &Dump) -> anyhow::Result<ExitCode> {
    let mut writer = Writer {
        dump,
        left: dump.limit,
        output: BufWriter::new(io::stdout().lock()),
        failure: None,
    };
    let read = offline.frames(&mut |frame| writer.frame(&frame));
    if let Err(error) = writer.output.flush() {
        writer.failure.get_or_insert(error);
    }
    match (writer.failure, writer.left, read) {
        // Whoever reads no further has had enough, such as `head`.
        (Some(error), ..) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        (Some(error), ..) => Err(error.into()),
        (None, 0, _) => Ok(ExitCode::SUCCESS),
        (None, _, read) => {
            read?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

struct Writer<'a, W: io::Write> {
    dump: &'a Dump,
    left: u64,
    output: W,
    failure: Option<io::Error>,
}

impl<W: io::Write> Writer<'_, W> {
    fn frame(&mut self, frame: &Frame<'_>) -> Result<(), String> {
        let Dump { sequence, from, to, .. } = *self.dump;
        if self.left == 0 {
            return Err(ENOUGH.to_owned());
        }
        let is_wanted = sequence.is_none_or(|sequence| sequence == frame.sequence)
            && frame.first <= to
            && frame.last().is_some_and(|last| last >= from);
        if !is_wanted {
            return Ok(());
        }
        match frame.sequence.as_shard() {
            None => self.entries::<control::Command>(frame, control_command)?,
            Some(_) => self.entries::<shard::Command>(frame, shard_command)?,
        }
        self.failure.as_ref().map_or(Ok(()), |error| Err(error.to_string()))
    }

    fn entries<C: DeserializeOwned>(
        &mut self,
        frame: &Frame<'_>,
        show: fn(&C, Detail) -> (&'static str, Value),
    ) -> Result<(), String> {
        let detail = if self.dump.with_users { Detail::WithUsers } else { Detail::Plain };
        let decoded = entry::decode(frame.payload, frame.first, frame.count, |entry: Entry<C>| {
            let is_wanted = (self.dump.from..=self.dump.to).contains(&entry.number);
            if !is_wanted || self.left == 0 || self.failure.is_some() {
                return;
            }
            self.left -= 1;
            let (command, details) = show(&entry.command, detail);
            let line = Line::new(frame.sequence, entry.number, entry.at, command, details);
            let written = serde_json::to_writer(&mut self.output, &line).map_err(io::Error::from);
            if let Err(error) = written.and_then(|()| self.output.write_all(b"\n")) {
                self.failure = Some(error);
            }
        });
        decoded.map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_are_named_as_people_name_them() {
        assert_eq!(sequence("control"), Ok(SequenceId::CONTROL));
        assert_eq!(sequence("shard-3"), Ok(SequenceId::shard(3)));
        assert_eq!(sequence("shard-003"), Ok(SequenceId::shard(3)));
        for wrong in ["", "shard", "shard-", "shard-x", "3", "shard-65535"] {
            assert!(sequence(wrong).is_err(), "{wrong}");
        }
    }
}
