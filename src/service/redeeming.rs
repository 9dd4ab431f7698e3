//! Redeeming: validating, redeeming, and reading what was redeemed.

use std::sync::Arc;
use std::time::Duration;

use redeemd_actors::core::Answer;
use redeemd_domain::campaign::Campaign;
use redeemd_domain::codes::{CodeKey, Hint};
use redeemd_domain::identifier::RedemptionId;
use redeemd_domain::machine::{Outcome, Recollection};
use redeemd_domain::refusal::Refusal;
use redeemd_domain::request::{Fingerprint, Request};
use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_domain::shard::{self, Command, Query, Record, Redeem, Reply};

use super::asking::{no_answer, reply};
use super::caller::Caller;
use super::error::Error;
use super::idempotency::IdempotencyKey;
use super::ledger_search;
use super::view::View;
use super::worker::Worker;

/// How often the ledger is searched for one request. A second time is needed only where the shard
/// forgot more in the meantime.
const MOST_SEARCHES: usize = 8;

/// How long a redemption that a shard knows may take to appear in the ledger.
const LEDGER_PATIENCE: Duration = Duration::from_secs(2);

/// A wish to redeem, as an interface reads it.
#[derive(Debug)]
pub struct Redemption<'a> {
    /// The code, in any spelling.
    pub code: &'a str,
    /// Who redeems.
    pub user: &'a str,
    /// A JSON object as compact text.
    pub metadata: Option<&'a str>,
    /// By what the client names the request.
    pub key: Option<&'a IdempotencyKey>,
}

/// A redemption that happened.
#[derive(Debug)]
pub struct Redeemed {
    /// Its record. It is one of a redemption: [`Redeemed::parts`] relies on it.
    record: Arc<Record>,
    /// Its campaign.
    pub campaign: Arc<Campaign>,
    /// Its code's handle for people.
    pub hint: Hint,
    /// Whether this repeats an earlier answer.
    pub is_replayed: bool,
}

impl Redeemed {
    fn of(record: Arc<Record>, view: &View, is_replayed: bool) -> Result<Self, Error> {
        let (campaign, code) = match record.redemption() {
            Some((_, redemption)) => (redemption.campaign, redemption.code),
            None => return Err(Error::internal("a request was answered with another's record")),
        };
        let campaign = view.campaign(campaign).map(Arc::clone);
        let campaign = campaign.ok_or_else(|| Error::internal("a redemption has no campaign"))?;
        Ok(Self { record, campaign, hint: view.keys().hint.hint(&code), is_replayed })
    }

    /// Its identifier and what it was; `None` does not happen.
    pub fn parts(&self) -> Option<(RedemptionId, &shard::Redemption)> {
        self.record.redemption()
    }
}

/// Whether a code could be redeemed.
#[derive(Debug)]
pub enum Validation {
    /// It could.
    Valid {
        /// Its campaign.
        campaign: Arc<Campaign>,
        /// How often it can still be redeemed; `None` is without a limit.
        uses_left: Option<u64>,
    },
    /// It could not.
    Invalid(Refusal),
}

impl Worker {
    /// Redeems a code. It goes on where the future is dropped once the shard was asked.
    ///
    /// # Errors
    /// The refusal, or why there is none.
    pub async fn redeem(
        &self,
        caller: Caller,
        redemption: Redemption<'_>,
    ) -> Result<Redeemed, Error> {
        let code = {
            let view = self.view();
            self.code_of(&view, redemption.code).await?
        };
        let code = code.ok_or(Error::Refused(Refusal::InvalidCode))?;
        let mut request = redemption.key.map(|key| {
            // A part that is added later joins only where it is given: these fingerprints live as
            // long as the ledger.
            let parts = [Some(redemption.user.as_bytes()), redemption.metadata.map(str::as_bytes)];
            key.request(caller.number, &code.canonical(), Fingerprint::new(&parts))
        });
        for _ in 0..MOST_SEARCHES {
            let command = Command::Redeem(Redeem {
                code,
                user: redemption.user.into(),
                metadata: redemption.metadata.map(Into::into),
                api_key: caller.number,
                request,
            });
            let place = self.place_of(&code);
            match self.inner().shards.perform(place, command).await {
                Answer::Outcome(Outcome::Done(record)) => {
                    return Redeemed::of(record, &self.view(), false);
                }
                Answer::Outcome(Outcome::Replayed(record)) => {
                    return Redeemed::of(record, &self.view(), true);
                }
                Answer::Outcome(Outcome::Refused(refusal)) => {
                    return Err(Error::Refused(refusal));
                }
                Answer::Outcome(Outcome::Unchanged) => {
                    return Err(Error::internal("a redemption changed nothing"));
                }
                Answer::Outcome(Outcome::SearchLedger { through }) => {
                    let Some(request) = &mut request else {
                        return Err(Error::internal("a request without a key was to be searched"));
                    };
                    let sequence =
                        SequenceId::shard(self.inner().node.layout.shard_of(code.slot()));
                    let appended = self.inner().node.ledger.appended(sequence);
                    if let Some(record) = self.recall(&code, *request).await? {
                        return Redeemed::of(record, &self.view(), true);
                    }
                    // The search saw everything that was appended, not only what was forgotten: so
                    // it holds even when the shard has forgotten more by the time it is asked again.
                    request.searched = through.max(appended);
                }
                Answer::Unknown(proposed) => {
                    let slot = code.slot();
                    let id = RedemptionId { at: proposed.at, slot, number: proposed.number };
                    return Err(Error::OutcomeUnknown(Some(id)));
                }
                answer => return Err(no_answer(&answer)),
            }
        }
        Err(Error::Overloaded)
    }

    /// Whether a code could be redeemed now. Changes nothing and promises nothing.
    ///
    /// # Errors
    /// When the code's shard cannot be asked.
    pub async fn validate(&self, code: &str) -> Result<Validation, Error> {
        let view = self.view();
        let Some(code) = self.code_of(&view, code).await? else {
            return Ok(Validation::Invalid(Refusal::InvalidCode));
        };
        match reply(self.query(self.place_of(&code), Query::Validate(code))).await? {
            Reply::Validated(Ok(validated)) => {
                let campaign = self.view().campaign(validated.campaign.number).map(Arc::clone);
                let campaign = campaign.ok_or_else(|| Error::internal("a code has no campaign"))?;
                let limit = validated.campaign.uses_per_code.map(u64::from);
                let uses_left = limit.map(|limit| limit.saturating_sub(validated.state.uses));
                Ok(Validation::Valid { campaign, uses_left })
            }
            Reply::Validated(Err(refusal)) => Ok(Validation::Invalid(refusal)),
            _ => Err(Error::internal("a shard answered another question than it was asked")),
        }
    }

    /// A redemption by its identifier. One that was answered is found.
    ///
    /// # Errors
    /// When there is none, when the ledger does not read, or when it is too far behind.
    pub async fn redemption(&self, id: RedemptionId) -> Result<Redeemed, Error> {
        let shard = self.inner().node.layout.shard_of(id.slot);
        let position = Position { sequence: SequenceId::shard(shard), number: id.number };
        self.wait_for_ledger(shard.into(), position).await?;
        let record = ledger_search::read::<Record>(&self.inner().node.ledger, position).await?;
        let is_asked_for =
            |record: &Record| record.redemption().is_some_and(|(found, _)| found == id);
        match record.filter(is_asked_for) {
            Some(record) => Redeemed::of(Arc::new(record), &self.view(), false),
            None => Err(Error::NotFound),
        }
    }

    /// What the ledger answered to a request about a code before, if anything.
    async fn recall(&self, code: &CodeKey, request: Request) -> Result<Option<Arc<Record>>, Error> {
        let node = &self.inner().node;
        let sequence = SequenceId::shard(node.layout.shard_of(code.slot()));
        match ledger_search::search::<Record>(&node.ledger, sequence, request).await? {
            Recollection::Answered(record) => Ok(Some(record)),
            Recollection::Reused => Err(Error::Refused(Refusal::IdempotencyKeyReused)),
            Recollection::Unknown => Ok(None),
        }
    }

    /// Waits until the ledger has an entry that its shard has applied. Answers are not held back
    /// for the ledger, so it may be a moment behind.
    async fn wait_for_ledger(&self, place: usize, position: Position) -> Result<(), Error> {
        let ledger = &self.inner().node.ledger;
        let has_it = || ledger.appended(position.sequence) >= position.number;
        if has_it() {
            return Ok(());
        }
        match reply(self.query(place, Query::Progress)).await? {
            Reply::Progress { last, .. } if last >= position.number => {}
            _ => return Err(Error::NotFound),
        }
        let deadline = tokio::time::Instant::now() + LEDGER_PATIENCE;
        let mut pause = Duration::from_millis(1);
        while !has_it() {
            if tokio::time::Instant::now() >= deadline {
                return Err(Error::Overloaded);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(50));
        }
        Ok(())
    }
}
