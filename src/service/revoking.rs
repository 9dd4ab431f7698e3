//! Revoking codes, and restoring them.

use std::sync::Arc;

use redeemd_domain::campaign::Campaign;
use redeemd_domain::codes::{CampaignNumber, CodeKey, Hint};
use redeemd_domain::request::Fingerprint;
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::shard::{Change, Command, Event as Happened, Query, Reply};

use super::asking::reply;
use super::caller::Caller;
use super::error::Error;
use super::events::Event;
use super::idempotency::IdempotencyKey;
use super::performing::Performed;
use super::worker::Worker;

/// What a code shall be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usability {
    /// Not usable until it is restored.
    Revoked,
    /// As if it had never been revoked.
    Restored,
}

/// A wish to revoke or restore a code, as an interface reads it.
#[derive(Debug)]
pub struct Marking<'a> {
    /// The code, in any spelling.
    pub code: &'a str,
    /// What it shall be.
    pub usability: Usability,
    /// Why, for those who look later.
    pub reason: &'a str,
    /// By what the client names the request.
    pub key: Option<&'a IdempotencyKey>,
}

/// A code that is revoked or restored now, or was so already.
#[derive(Debug)]
pub struct Marked {
    /// Its campaign.
    pub campaign: Arc<Campaign>,
    /// Its handle for people.
    pub hint: Hint,
    /// What it became.
    pub usability: Usability,
    /// What happened; `None` where the code was so already, and where this repeats an answer.
    pub event: Option<Event>,
    /// Whether this repeats an earlier answer.
    pub is_replayed: bool,
}

impl Marking<'_> {
    /// The command that it is, about the code that its text means.
    fn command(&self, caller: Caller, code: CodeKey) -> Command {
        let word: &[u8] = match self.usability {
            Usability::Revoked => b"revoked",
            Usability::Restored => b"restored",
        };
        let request = self.key.map(|key| {
            // Redemptions are bound to the bare code. This is another request under the same key.
            let subject = [b"usability of ", &*code.canonical()].concat();
            let said = Fingerprint::new(&[Some(word), Some(self.reason.as_bytes())]);
            key.request(caller.number, &subject, said)
        });
        let change = Change { code, reason: self.reason.into(), api_key: caller.number, request };
        match self.usability {
            Usability::Revoked => Command::Revoke(change),
            Usability::Restored => Command::Restore(change),
        }
    }
}

impl Worker {
    /// Revokes or restores a code. One that is so already stays as it is.
    ///
    /// # Errors
    /// The refusal, or why there is none.
    pub async fn mark(&self, caller: Caller, marking: Marking<'_>) -> Result<Marked, Error> {
        let code = self.code_meant_by(marking.code).await?;
        let performed = self.perform(code, marking.command(caller, code)).await?;
        let campaign = self.campaign_of(code, &performed).await?;
        let view = self.view();
        let campaign = view.campaign(campaign).map(Arc::clone);
        Ok(Marked {
            campaign: campaign.ok_or_else(|| Error::internal("a code has no campaign"))?,
            hint: view.keys().hint.hint(&code),
            usability: marking.usability,
            event: self.event_of(code, &performed),
            is_replayed: performed.is_replayed,
        })
    }

    fn event_of(&self, code: CodeKey, performed: &Performed) -> Option<Event> {
        let record = performed.record.as_ref().filter(|_| !performed.is_replayed)?;
        let sequence = SequenceId::shard(self.node().layout.shard_of(code.slot()));
        Event::of_shard(sequence, (**record).clone(), 0)
    }

    async fn campaign_of(
        &self,
        code: CodeKey,
        performed: &Performed,
    ) -> Result<CampaignNumber, Error> {
        match performed.record.as_ref().map(|record| &record.event) {
            Some(Happened::Revoked(changed) | Happened::Restored(changed)) => Ok(changed.campaign),
            Some(_) => Err(Error::internal("a request was answered with another's record")),
            None => match reply(self.query(self.place_of(&code), Query::Find(code))).await? {
                Reply::Found(Some((campaign, _))) => Ok(campaign.number),
                _ => Err(Error::internal("a code that was found is gone")),
            },
        }
    }
}
