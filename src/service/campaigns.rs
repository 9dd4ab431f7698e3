//! Campaigns: changing them, and telling the shards of it.
//!
//! A change is answered only when the control sequence and every shard have journaled it. It runs
//! in a task of its own, so that a client that hangs up leaves nothing half done.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use redeemd_actors::core::Answer;
use redeemd_domain::campaign::{Campaign, Revision, Status, Terms};
use redeemd_domain::codes::CampaignNumber;
use redeemd_domain::control::{Asked, Changes, Command, Draft, Record, Refusal, RuleChanges};
use redeemd_domain::identifier::CampaignId;
use redeemd_domain::machine::{Outcome, Recollection};
use redeemd_domain::request::{Fingerprint, RequestDigest};
use redeemd_domain::rules::Rules;
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::shard;

use super::asking::no_answer;
use super::caller::Caller;
use super::error::{Error, Resource};
use super::idempotency::IdempotencyKey;
use super::ledger_search;
use super::worker::Worker;

/// How often the ledger is searched for one request.
const MOST_SEARCHES: usize = 8;

/// The most changes that one thread carries out at a time.
const MOST_CHANGES: usize = 256;

/// How long a client waits until every shard knows a change.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came of a change.
#[derive(Clone, Debug)]
pub struct Changed {
    /// What happened; `None` where it was so already.
    pub record: Option<Arc<Record>>,
    /// Whether this repeats an earlier answer.
    pub is_replayed: bool,
}

impl Worker {
    /// Makes a campaign.
    ///
    /// # Errors
    /// The refusal, or why there is none.
    pub async fn make_campaign(
        &self,
        caller: Caller,
        key: Option<&IdempotencyKey>,
        draft: Draft,
    ) -> Result<Changed, Error> {
        let mut said = Vec::new();
        // The encoding of a draft is a stored format already, so it stays the same.
        redeemd_domain::append(&as_said(&draft), &mut said)
            .map_err(|error| Error::internal(error.to_string()))?;
        let asked = asked(caller, key, b"POST /campaigns", &[&said]);
        self.change(Command::MakeCampaign { draft, asked }, None).await
    }

    /// Changes a campaign, if its edition is still the one that the client read; `rules` where any
    /// of its rules beyond those of every campaign shall be otherwise.
    ///
    /// # Errors
    /// The refusal, or why there is none.
    pub async fn change_campaign(
        &self,
        caller: Caller,
        campaign: CampaignNumber,
        edition: Option<Revision>,
        changes: Changes,
        rules: Option<RuleChanges>,
    ) -> Result<Changed, Error> {
        let asked = Asked { api_key: caller.number, request: None };
        let command = match rules.map(Box::new) {
            None => Command::ChangeCampaign { campaign, edition, changes, asked },
            Some(rules) => Command::ChangeRules { campaign, edition, changes, rules, asked },
        };
        self.change(command, Some(campaign)).await
    }

    /// Pauses, resumes or archives a campaign.
    ///
    /// # Errors
    /// The refusal, or why there is none.
    pub async fn set_status(
        &self,
        caller: Caller,
        key: Option<&IdempotencyKey>,
        campaign: CampaignNumber,
        status: Status,
    ) -> Result<Changed, Error> {
        let said: &[u8] = match status {
            Status::Active => b"active",
            Status::Paused => b"paused",
            Status::Archived => b"archived",
        };
        let subject = subject(b"status of ", campaign);
        let asked = asked(caller, key, &subject, &[said]);
        self.change(Command::SetStatus { campaign, status, asked }, Some(campaign)).await
    }

    /// A campaign by its identifier.
    ///
    /// # Errors
    /// When there is none.
    pub fn campaign(&self, id: CampaignId) -> Result<Arc<Campaign>, Error> {
        let campaign = self.view().campaign(id.number).map(Arc::clone);
        campaign.filter(|campaign| campaign.id == id).ok_or(Error::NotFound(Resource::Campaign))
    }

    /// Carries out a command of the control sequence about a campaign and tells every shard.
    /// `campaign` is the one that it is about, if there is one yet.
    pub(super) async fn change(
        &self,
        command: Command,
        campaign: Option<CampaignNumber>,
    ) -> Result<Changed, Error> {
        let changes = &self.inner().changes;
        if changes.get() >= MOST_CHANGES {
            return Err(Error::Overloaded);
        }
        changes.set(changes.get() + 1);
        let worker = self.clone();
        let task = tokio::task::spawn_local(async move {
            let changed = worker.change_and_spread(command, campaign).await;
            let changes = &worker.inner().changes;
            changes.set(changes.get().saturating_sub(1));
            changed
        });
        match tokio::time::timeout(PATIENCE, task).await {
            Ok(Ok(changed)) => changed,
            Ok(Err(_)) => Err(Error::internal("the task of a change panicked")),
            // It goes on all the same.
            Err(_) => Err(Error::StillSpreading),
        }
    }

    async fn change_and_spread(
        &self,
        command: Command,
        campaign: Option<CampaignNumber>,
    ) -> Result<Changed, Error> {
        let changed = self.change_control(command).await?;
        let made = changed.record.as_ref().and_then(|record| record.campaign());
        let campaign = made.map(|campaign| campaign.id.number).or(campaign);
        // Also where nothing changed: an earlier request may have got no further than this.
        let view = self.view();
        if let Some(campaign) = campaign.and_then(|campaign| view.campaign(campaign)) {
            self.spread(&campaign.terms()).await?;
        }
        Ok(changed)
    }

    pub(super) async fn change_control(&self, mut command: Command) -> Result<Changed, Error> {
        for _ in 0..MOST_SEARCHES {
            match self.inner().control.perform(0, command.clone()).await {
                Answer::Outcome(Outcome::Done(record)) => {
                    return Ok(Changed { record: Some(record), is_replayed: false });
                }
                Answer::Outcome(Outcome::Replayed(record)) => {
                    return Ok(Changed { record: Some(record), is_replayed: true });
                }
                Answer::Outcome(Outcome::Unchanged) => {
                    return Ok(Changed { record: None, is_replayed: false });
                }
                Answer::Outcome(Outcome::Refused(refusal)) => {
                    return Err(Error::ControlRefused(refusal));
                }
                Answer::Outcome(Outcome::SearchLedger { through }) => {
                    let appended = self.inner().node.ledger.appended(SequenceId::CONTROL);
                    if let Some(record) = self.recall_change(&command).await? {
                        return Ok(Changed { record: Some(record), is_replayed: true });
                    }
                    // The search saw everything that was appended, not only what was forgotten.
                    command.set_searched(through.max(appended));
                }
                answer => return Err(no_answer(&answer)),
            }
        }
        Err(Error::Overloaded)
    }

    /// What the ledger knows as the answer to a request to the control sequence.
    pub(super) async fn recall_answer(
        &self,
        request: &RequestDigest,
    ) -> Result<Option<Arc<Record>>, Error> {
        ledger_search::find(&self.inner().node.ledger, SequenceId::CONTROL, *request).await
    }

    async fn recall_change(&self, command: &Command) -> Result<Option<Arc<Record>>, Error> {
        let Some(request) = command.asked().and_then(|asked| asked.request) else {
            return Err(Error::internal("a request without a key was to be searched"));
        };
        let ledger = &self.inner().node.ledger;
        match ledger_search::search::<Record>(ledger, SequenceId::CONTROL, request).await? {
            Recollection::Answered(record) => Ok(Some(record)),
            Recollection::Reused => Err(Error::ControlRefused(Refusal::IdempotencyKeyReused)),
            Recollection::Unknown => Ok(None),
        }
    }

    /// Tells every shard of a campaign, again and again until all have journaled it.
    async fn spread(&self, terms: &Terms) -> Result<(), Error> {
        let shards = &self.inner().shards;
        let tell = |place| (place, shards.perform(place, shard::Command::put(terms.clone())));
        let mut open: Vec<_> = (0..shards.places()).map(tell).collect();
        let mut pause = Duration::from_millis(5);
        loop {
            let mut left = Vec::new();
            for (place, asked) in open {
                match asked.await {
                    Answer::Outcome(_) => {}
                    Answer::Rejected(_) => left.push(place),
                    answer => return Err(no_answer(&answer)),
                }
            }
            if left.is_empty() {
                return Ok(());
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
            open = left.into_iter().map(tell).collect();
        }
    }
}

/// A draft as the client said it: time zones by their names alone. What is known of a zone differs
/// with the year and the server's version, and a repeated request may meet both.
fn as_said(draft: &Draft) -> Cow<'_, Draft> {
    let Some(rules) = &draft.rules else { return Cow::Borrowed(draft) };
    let mut rules = Rules::clone(rules);
    for zone in &mut rules.zones {
        (zone.first_offset, zone.changes) = (0, Vec::new());
    }
    Cow::Owned(Draft { rules: Some(Arc::new(rules)), ..draft.clone() })
}

/// What a request about one campaign is bound to.
pub(super) fn subject(what: &[u8], campaign: CampaignNumber) -> Vec<u8> {
    [what, &campaign.0.to_be_bytes()].concat()
}

/// Who asks for a change, about what, and what the request says.
pub(super) fn asked(
    caller: Caller,
    key: Option<&IdempotencyKey>,
    subject: &[u8],
    said: &[&[u8]],
) -> Asked {
    let parts: Vec<Option<&[u8]>> = said.iter().copied().map(Some).collect();
    let request = key.map(|key| key.request(caller.number, subject, Fingerprint::new(&parts)));
    Asked { api_key: caller.number, request }
}
