//! Holding codes for users, and what becomes of holds.

use std::sync::Arc;

use redeemd_domain::campaign::Campaign;
use redeemd_domain::codes::Hint;
use redeemd_domain::identifier::{HoldId, RedemptionId};
use redeemd_domain::refusal::Refusal;
use redeemd_domain::request::Fingerprint;
use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_domain::shard::{
    Command, Confirm, Due, Event, Hold, Otherwise, PlaceHold, Placing, Query, Record, Redeem,
    Release, Reply, Spend,
};

use super::asking::reply;
use super::caller::Caller;
use super::error::{Error, Resource};
use super::idempotency::IdempotencyKey;
use super::ledger_search;
use super::redeeming::Redeemed;
use super::worker::Worker;

/// The most records of a hold that are looked at: how often it was prolonged, and its end.
const MOST_RECORDS: usize = 1_000;

/// A wish to hold a code, as an interface reads it.
#[derive(Debug)]
pub struct Holding<'a> {
    /// The code, in any spelling.
    pub code: &'a str,
    /// For whom.
    pub user: &'a str,
    /// For how long, in milliseconds.
    pub ttl_ms: u64,
    /// By what the client names the request.
    pub key: Option<&'a IdempotencyKey>,
    /// How many holds there may be in all.
    pub max_live: u64,
}

/// A wish to make a redemption of a hold, as an interface reads it.
#[derive(Debug)]
pub struct Confirming<'a> {
    /// The hold.
    pub hold: HoldId,
    /// Whether a code that is free is redeemed although its hold has expired.
    pub take_if_free: bool,
    /// A JSON object as compact text.
    pub metadata: Option<&'a str>,
    /// How much of the code's balance to spend, in minor units.
    pub amount: Option<u64>,
    /// By what the client names the request.
    pub key: Option<&'a IdempotencyKey>,
}

/// A hold, and what became of it.
#[derive(Debug)]
pub struct Held {
    /// The hold as it is, or as it was last.
    pub hold: Hold,
    /// Its campaign.
    pub campaign: Arc<Campaign>,
    /// Its code's handle for people.
    pub hint: Hint,
    /// What became of it.
    pub fate: Fate,
    /// Whether this repeats an earlier answer.
    pub is_replayed: bool,
}

/// What became of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is there.
    Held,
    /// It became this redemption.
    Confirmed(RedemptionId),
    /// It was given up.
    Released,
    /// Its time was over.
    Expired,
}

impl Worker {
    /// Holds a code for a user.
    ///
    /// # Errors
    /// The refusal, or why there is none.
    pub async fn hold(&self, caller: Caller, wish: Holding<'_>) -> Result<Held, Error> {
        if self.inner().node.status.held() >= wish.max_live {
            return Err(Error::Overloaded);
        }
        let code = self.code_meant_by(wish.code).await?;
        let request = wish.key.map(|key| {
            let subject = [b"hold of ", &*code.canonical()].concat();
            let (user, ttl_ms) = (wish.user.as_bytes(), wish.ttl_ms.to_le_bytes());
            key.request(caller.number, &subject, Fingerprint::new(&[Some(user), Some(&ttl_ms)]))
        });
        let (user, ttl_ms, api_key) = (wish.user.into(), wish.ttl_ms, caller.number);
        let place = PlaceHold { code, user, ttl_ms, claim: None, api_key, request };
        let performed = self.perform(code, Command::PlaceHold(Box::new(place))).await?;
        match performed.record.as_ref().map(|record| &record.event) {
            Some(Event::HoldPlaced(placed)) => {
                self.held(placed.hold.clone(), Fate::Held, performed.is_replayed)
            }
            _ => Err(Error::internal("a hold was answered with another's record")),
        }
    }

    /// A hold by its identifier. One that was answered is found.
    ///
    /// # Errors
    /// When there is none, or the shard or the ledger cannot be asked.
    pub async fn read_hold(&self, id: HoldId) -> Result<Held, Error> {
        match self.live_hold(id).await? {
            Some((hold, Due::Later)) => self.held(hold, Fate::Held, false),
            Some((hold, Due::Now)) => self.held(hold, Fate::Expired, false),
            None => {
                let placed = self.placed_hold(id).await?;
                let (hold, fate) = self.fate_of(placed).await?;
                self.held(hold, fate, false)
            }
        }
    }

    /// Makes a redemption of a hold.
    ///
    /// # Errors
    /// The refusal, or why there is none.
    pub async fn confirm(&self, caller: Caller, wish: Confirming<'_>) -> Result<Redeemed, Error> {
        let hold = self.any_hold(wish.hold).await?;
        let code = hold.code;
        let refused = self.perform(code, wish.command(caller, &hold, Otherwise::Refuse)).await;
        let performed = match refused {
            Err(Error::Refused(Refusal::HoldEnded)) if wish.take_if_free => {
                if !self.has_expired(&hold).await? {
                    return Err(Error::Refused(Refusal::HoldEnded));
                }
                // What it kept of the campaign's total is there again.
                self.inner().node.bookkeeping.returned(hold.campaign);
                self.perform(code, wish.command(caller, &hold, Otherwise::TakeIfFree)).await?
            }
            performed => performed?,
        };
        Redeemed::of_performed(performed, &self.view())
    }

    /// Gives a hold up. One that was given up already stays so.
    ///
    /// # Errors
    /// The refusal, or why there is none.
    pub async fn release(&self, caller: Caller, id: HoldId) -> Result<(), Error> {
        let hold = self.any_hold(id).await?;
        let release = Release { hold: id, code: hold.code, api_key: caller.number };
        match self.perform(hold.code, Command::Release(release)).await {
            Ok(_) => {
                self.give_back_across(hold.campaign, &hold.code, hold.claim).await;
                Ok(())
            }
            Err(Error::Refused(Refusal::HoldEnded)) => match self.read_hold(id).await?.fate {
                Fate::Released => Ok(()),
                Fate::Held | Fate::Confirmed(_) | Fate::Expired => {
                    Err(Error::Refused(Refusal::HoldEnded))
                }
            },
            Err(error) => Err(error),
        }
    }

    fn held(&self, hold: Hold, fate: Fate, is_replayed: bool) -> Result<Held, Error> {
        let view = self.view();
        let campaign = view.campaign(hold.campaign).map(Arc::clone);
        let campaign = campaign.ok_or_else(|| Error::internal("a hold has no campaign"))?;
        let hint = view.keys().hint.hint(&hold.code);
        Ok(Held { hold, campaign, hint, fate, is_replayed })
    }

    /// A hold that has not ended, and whether it should have.
    async fn live_hold(&self, id: HoldId) -> Result<Option<(Hold, Due)>, Error> {
        let place = usize::from(self.inner().node.layout.shard_of(id.slot));
        match reply(self.query(place, Query::Hold(id))).await? {
            Reply::Held(held) => Ok(held.map(|held| *held)),
            _ => Err(Error::internal("a shard was asked for a hold")),
        }
    }

    /// A hold as it is or as it was placed.
    async fn any_hold(&self, id: HoldId) -> Result<Hold, Error> {
        match self.live_hold(id).await? {
            Some((hold, _)) => Ok(hold),
            None => self.placed_hold(id).await,
        }
    }

    /// A hold as it was placed, by the ledger.
    async fn placed_hold(&self, id: HoldId) -> Result<Hold, Error> {
        let shard = self.inner().node.layout.shard_of(id.slot);
        let position = Position { sequence: SequenceId::shard(shard), number: id.number };
        self.wait_for_ledger(shard.into(), position, Resource::Hold).await?;
        let record = ledger_search::read::<Record>(&self.inner().node.ledger, position).await?;
        match record.map(|record| record.event) {
            Some(Event::HoldPlaced(placed))
                if placed.hold.id == id && placed.placing == Placing::New =>
            {
                Ok(placed.hold)
            }
            _ => Err(Error::NotFound(Resource::Hold)),
        }
    }

    /// What became of a hold that has ended, and what it was last.
    async fn fate_of(&self, mut hold: Hold) -> Result<(Hold, Fate), Error> {
        let id = hold.id;
        let is_about_it = move |record: &Record| match &record.event {
            Event::HoldPlaced(placed) => placed.hold.id == id,
            _ => fate_in(record, id).is_some(),
        };
        let records = self.history(hold.code, MOST_RECORDS, is_about_it).await?;
        for record in &records {
            if let Event::HoldPlaced(placed) = &record.event {
                hold.expires_at = hold.expires_at.max(placed.hold.expires_at);
            }
        }
        let fate = match records.iter().find_map(|record| fate_in(record, id)) {
            Some(fate) => fate,
            // More happened to the code since than is looked at. Every other end is found.
            None => {
                let end = self.end_of(id.slot, id.number).await?;
                end.and_then(|end| fate_in(&end, id)).unwrap_or(Fate::Expired)
            }
        };
        Ok((hold, fate))
    }

    /// Whether a hold ended by expiring, or is as good as ended.
    async fn has_expired(&self, hold: &Hold) -> Result<bool, Error> {
        Ok(match self.live_hold(hold.id).await? {
            Some((_, due)) => due == Due::Now,
            None => self.fate_of(hold.clone()).await?.1 == Fate::Expired,
        })
    }
}

impl Confirming<'_> {
    fn command(&self, caller: Caller, hold: &Hold, otherwise: Otherwise) -> Command {
        let request = self.key.map(|key| {
            let subject = [b"confirmation of ", hold.id.to_string().as_bytes()].concat();
            let amount = self.amount.map(u64::to_le_bytes);
            let said = Fingerprint::new(&[
                self.metadata.map(str::as_bytes),
                self.take_if_free.then_some(&b"take if free"[..]),
                amount.as_ref().map(<[u8; 8]>::as_slice),
            ]);
            key.request(caller.number, &subject, said)
        });
        let redeem = Redeem {
            code: hold.code,
            user: hold.user.clone(),
            metadata: self.metadata.map(Into::into),
            api_key: caller.number,
            request,
        };
        let spend = Spend { redeem, claim: None, amount: self.amount };
        Command::Confirm(Box::new(Confirm { hold: hold.id, spend, otherwise }))
    }
}

/// How a hold ended, where a record says it.
fn fate_in(record: &Record, id: HoldId) -> Option<Fate> {
    match &record.event {
        Event::Spent(spent) if spent.hold == Some(id.number) => {
            record.redemption().map(|(redemption, _)| Fate::Confirmed(redemption))
        }
        Event::HoldReleased(ended) if ended.id == id => Some(Fate::Released),
        Event::HoldsExpired(ended) if ended.iter().any(|ended| ended.id == id) => {
            Some(Fate::Expired)
        }
        _ => None,
    }
}
