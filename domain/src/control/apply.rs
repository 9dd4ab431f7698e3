//! What each command does to the control sequence.

use std::convert::Infallible;

use super::command::{Asked, Command};
use super::{Acknowledgement, Control, Event, Outcome, Record, Refusal};
use crate::campaign::Status;
use crate::entry::Entry;
use crate::machine::{Machine, Recollection};
use crate::progress::Progress;
use crate::timestamp::Timestamp;

pub(super) type Result<T> = std::result::Result<T, Refusal>;

impl Machine for Control {
    type Command = Command;
    type Record = Record;
    type Acknowledgement = Acknowledgement;
    type Refusal = Refusal;
    type Query = Infallible;
    type Reply = Infallible;

    fn progress(&self) -> &Progress<Record> {
        &self.progress
    }

    fn apply(&mut self, entry: Entry<Command>) -> Outcome {
        let stamp = self.progress.enter(&entry);
        if let Some(told) = self.lend(&entry.command) {
            return Outcome::Acknowledged(told);
        }
        let asked = entry.command.asked();
        if let Some(settled) = self.settled(asked) {
            return settled;
        }
        let event = match self.execute(stamp.at, entry.command) {
            Ok(Some(event)) => event,
            Ok(None) => return Outcome::Unchanged,
            Err(refusal) => return Outcome::Refused(refusal),
        };
        let api_key = asked.map(|asked| asked.api_key).unwrap_or_default();
        let outcome = stamp.done(api_key, asked.and_then(|asked| asked.request), event);
        self.progress.remember(&outcome);
        outcome
    }

    fn foresee(&self, command: &Command, _now: Timestamp) -> Option<Outcome> {
        self.settled(command.asked())
    }

    fn reply(&self, query: &Infallible, _now: Timestamp) -> Infallible {
        // Everybody who asks has a copy of the whole state at hand.
        *query
    }

    fn takes_away(command: &Command) -> bool {
        match command {
            Command::RevokeApiKey(_) | Command::ShutOut { .. } => true,
            Command::SetStatus { status, .. } => *status != Status::Active,
            _ => false,
        }
    }

    fn advance() -> Command {
        Command::Advance
    }

    fn encode<E>(
        &self,
        write: impl FnMut(&[u8]) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        self.encode_sections(write)
    }
}

impl Control {
    /// The outcome of a request that was answered before, or may have been.
    fn settled(&self, asked: Option<Asked>) -> Option<Outcome> {
        let request = asked?.request?;
        match self.progress.recent().recall(&request) {
            Recollection::Answered(record) => Some(Outcome::Replayed(record)),
            Recollection::Reused => Some(Outcome::Refused(Refusal::IdempotencyKeyReused)),
            Recollection::Unknown => (request.searched < self.forgotten())
                .then(|| Outcome::SearchLedger { through: self.forgotten() }),
        }
    }

    /// Does what the command says; `None` when it was so already.
    fn execute(&mut self, at: Timestamp, command: Command) -> Result<Option<Event>> {
        match command {
            // Lending leaves no record, and is done by the time that this is asked.
            Command::Advance
            | Command::OpenShares { .. }
            | Command::GrantShare { .. }
            | Command::RecordReturned { .. } => Ok(None),
            Command::AddSecret(secret) => self.add_secret(secret).map(Some),
            Command::AddApiKey(key) => self.add_api_key(at, key).map(Some),
            Command::RevokeApiKey(number) => self.revoke_api_key(number),
            Command::MakeCampaign { draft, .. } => self.make_campaign(at, draft).map(Some),
            Command::ChangeCampaign { campaign, edition, changes, .. } => {
                self.change_campaign(campaign, edition, changes, None)
            }
            Command::ChangeRules { campaign, edition, changes, rules, .. } => {
                self.change_campaign(campaign, edition, changes, Some(*rules))
            }
            Command::SetStatus { campaign, status, .. } => self.set_status(campaign, status),
            Command::Issue { campaign, count, .. } => self.issue(campaign, count),
            Command::LetIn { key, .. } => self.let_in(at, key).map(Some),
            Command::ShutOut { api_key, .. } => self.shut_out(api_key),
            Command::RecordImport { campaign, import, .. } => {
                self.record_import(campaign, import).map(Some)
            }
            Command::KeepImport { campaign, import, remarks, .. } => {
                self.keep_import(campaign, import, remarks).map(Some)
            }
            Command::IssuePattern { campaign, first, span, skipped, .. } => {
                self.issue_pattern(campaign, first, span, skipped)
            }
        }
    }
}
