//! Redeeming: validating, redeeming, and reading what was redeemed.

use std::sync::Arc;

use redeemd_domain::campaign::Campaign;
use redeemd_domain::codes::{CodeKey, Hint};
use redeemd_domain::identifier::RedemptionId;
use redeemd_domain::refusal::Refusal;
use redeemd_domain::request::Fingerprint;
use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_domain::shard::{
    self, Claim, Command, Event, Money, Query, Record, Redeem, Reply, Spend, Spent,
};

use super::asking::reply;
use super::caller::Caller;
use super::error::{Error, Resource};
use super::events::Register;
use super::idempotency::IdempotencyKey;
use super::ledger_search;
use super::performing::Performed;
use super::standing::Standing;
use super::view::View;
use super::worker::Worker;

/// A wish to redeem, as an interface reads it.
#[derive(Debug)]
pub struct Redemption<'a> {
    /// The code, in any spelling.
    pub code: &'a str,
    /// Who redeems.
    pub user: &'a str,
    /// A JSON object as compact text.
    pub metadata: Option<&'a str>,
    /// How much of the code's balance to spend, in minor units; `None` is all that is left.
    pub amount: Option<u64>,
    /// By what the client names the request.
    pub key: Option<&'a IdempotencyKey>,
}

impl Redemption<'_> {
    /// The command that it is, about the code that its text means.
    pub(super) fn command(&self, caller: Caller, code: CodeKey) -> Command {
        let request = self.key.map(|key| {
            // A part that is added later joins only where it is given: these fingerprints live as
            // long as the ledger.
            let amount = self.amount.map(u64::to_le_bytes);
            let mut parts = vec![Some(self.user.as_bytes()), self.metadata.map(str::as_bytes)];
            parts.extend(amount.as_ref().map(|amount| Some(amount.as_slice())));
            key.request(caller.number, &code.canonical(), Fingerprint::new(&parts))
        });
        let redeem = Redeem {
            code,
            user: self.user.into(),
            metadata: self.metadata.map(Into::into),
            api_key: caller.number,
            request,
        };
        match self.amount {
            None => Command::Redeem(redeem),
            amount => Command::Spend(Box::new(Spend { redeem, claim: None, amount })),
        }
    }
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
    /// What became of it since, as far as the answer tells it.
    pub standing: Standing,
    /// Whether this repeats an earlier answer.
    pub is_replayed: bool,
}

impl Redeemed {
    /// What came of a redemption's command.
    pub(super) fn of_performed(performed: Performed, view: &View) -> Result<Self, Error> {
        match performed.record {
            Some(record) => Self::of(record, view, performed.is_replayed),
            None => Err(Error::internal("a redemption changed nothing")),
        }
    }

    /// The redemption of a record.
    ///
    /// # Errors
    /// When it is a record of something else.
    pub(super) fn of(record: Arc<Record>, view: &View, is_replayed: bool) -> Result<Self, Error> {
        let (campaign, code) = match record.redemption() {
            Some((_, redemption)) => (redemption.campaign, redemption.code),
            None => return Err(Error::internal("a request was answered with another's record")),
        };
        let campaign = view.campaign(campaign).map(Arc::clone);
        let campaign = campaign.ok_or_else(|| Error::internal("a redemption has no campaign"))?;
        let (hint, standing) = (view.keys().hint.hint(&code), Standing::default());
        Ok(Self { record, campaign, hint, standing, is_replayed })
    }

    /// The redemption of an event, as it was answered; `None` where it is an event of something else.
    pub fn of_event(record: &Arc<Record>, register: &Register) -> Option<Self> {
        let (_, redemption) = record.redemption()?;
        let campaign = Arc::clone(register.campaign(redemption.campaign)?);
        let hint = register.hint(&redemption.code);
        let (record, standing) = (Arc::clone(record), Standing::default());
        Some(Self { record, campaign, hint, standing, is_replayed: false })
    }

    /// Its identifier and what it was; `None` does not happen.
    pub fn parts(&self) -> Option<(RedemptionId, &shard::Redemption)> {
        self.record.redemption()
    }

    /// What it spent of the code's balance, where the code had one.
    pub fn money(&self) -> Option<Money> {
        self.spent()?.money
    }

    /// The claim that it used up, if any.
    pub(super) fn claim(&self) -> Option<Claim> {
        self.spent()?.claim
    }

    fn spent(&self) -> Option<&Spent> {
        match &self.record.event {
            Event::Spent(spent) => Some(spent),
            _ => None,
        }
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
        /// What is left of it, in minor units, where its campaign has a balance.
        balance_left: Option<u64>,
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
        let code = self.code_meant_by(redemption.code).await?;
        let performed = self.perform(code, redemption.command(caller, code)).await?;
        Redeemed::of_performed(performed, &self.view())
    }

    /// Whether a code could be redeemed now, by a user where one is named. Changes nothing and promises nothing.
    ///
    /// # Errors
    /// When the code's shard cannot be asked.
    pub async fn validate(&self, code: &str, user: Option<&str>) -> Result<Validation, Error> {
        let view = self.view();
        let Some(code) = self.code_of(&view, code).await? else {
            return Ok(Validation::Invalid(Refusal::InvalidCode));
        };
        let query = Query::Validate { code, user: user.map(Into::into) };
        match reply(self.query(self.place_of(&code), query)).await? {
            Reply::Validated(Ok(validated)) => {
                let campaign = self.view().campaign(validated.campaign.number).map(Arc::clone);
                let campaign = campaign.ok_or_else(|| Error::internal("a code has no campaign"))?;
                if let Some(refusal) = self.refused_across(&campaign, &code, user).await? {
                    return Ok(Validation::Invalid(refusal));
                }
                let limit = validated.campaign.uses_per_code.map(u64::from);
                let uses_left = limit.map(|limit| limit.saturating_sub(validated.state.uses));
                let balance_left = validated.balance_left;
                Ok(Validation::Valid { campaign, uses_left, balance_left })
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
        let mut redeemed = self.recorded(id).await?;
        self.find_standings(std::slice::from_mut(&mut redeemed)).await?;
        Ok(redeemed)
    }

    /// A redemption as it was recorded.
    pub(super) async fn recorded(&self, id: RedemptionId) -> Result<Redeemed, Error> {
        let shard = self.inner().node.layout.shard_of(id.slot);
        let position = Position { sequence: SequenceId::shard(shard), number: id.number };
        self.wait_for_ledger(shard.into(), position, Resource::Redemption).await?;
        let record = ledger_search::read::<Record>(&self.inner().node.ledger, position).await?;
        let is_asked_for =
            |record: &Record| record.redemption().is_some_and(|(found, _)| found == id);
        match record.filter(is_asked_for) {
            Some(record) => Redeemed::of(Arc::new(record), &self.view(), false),
            None => Err(Error::NotFound(Resource::Redemption)),
        }
    }

    /// Waits until the ledger has an entry that its shard has applied.
    pub(super) async fn wait_for_ledger(
        &self,
        place: usize,
        position: Position,
        resource: Resource,
    ) -> Result<(), Error> {
        let ledger = &self.inner().node.ledger;
        if ledger.appended(position.sequence) >= position.number {
            return Ok(());
        }
        match reply(self.query(place, Query::Progress)).await? {
            Reply::Progress { last, .. } if last >= position.number => {
                ledger_search::wait_until_appended(ledger, position).await
            }
            _ => Err(Error::NotFound(resource)),
        }
    }
}
