//! Issuing codes, and making the same codes again.
//!
//! A batch of any size is one small entry; the codes themselves are made as they are read.

use std::sync::Arc;

use redeemd_domain::campaign::{Campaign, Codes};
use redeemd_domain::codes::{CampaignNumber, CodeKey, KeyEpoch, SealedText, SealingKey, Serial};
use redeemd_domain::control::{Command, Event, Refusal};
use redeemd_domain::shard::{CodeState, Query, Reply};

use super::asking::reply;
use super::caller::Caller;
use super::campaigns::{asked, subject};
use super::error::Error;
use super::idempotency::IdempotencyKey;
use super::worker::Worker;

/// The most codes that one request may issue or see again.
pub const MOST_CODES_AT_ONCE: u64 = 10_000_000;

/// Codes that were issued.
#[derive(Debug)]
pub struct Issued {
    /// The codes.
    pub codes: CodeRange,
    /// Whether this repeats an earlier answer.
    pub is_replayed: bool,
}

/// Consecutive codes of a campaign, not made yet. `Debug` does not write the key.
#[derive(Clone, Debug)]
pub struct CodeRange {
    campaign: CampaignNumber,
    key: SealingKey,
    first: u64,
    count: u64,
}

/// What happened to a code so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownState {
    /// Nothing.
    Issued,
    /// It was redeemed, at least once.
    Redeemed,
    /// It is revoked.
    Revoked,
}

impl KnownState {
    /// What a shard's knowledge of a code amounts to.
    pub(super) fn of(state: CodeState) -> Self {
        match state {
            state if state.revoked => Self::Revoked,
            state if state.uses > 0 => Self::Redeemed,
            _ => Self::Issued,
        }
    }
}

impl CodeRange {
    /// The index of the first code within its campaign.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// How many codes are left.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Takes up to `count` codes off the front.
    pub fn take(&mut self, count: u64) -> Self {
        let count = count.min(self.count);
        let taken = Self { count, ..self.clone() };
        self.first += count;
        self.count -= count;
        taken
    }

    /// Makes the codes, in order.
    pub fn for_each(&self, visit: impl FnMut(&SealedText)) {
        let first = Serial::new(self.first).unwrap_or_default();
        // The range was issued, so it ends where serials do at the latest.
        let _ = self.key.seal_each(self.campaign, first, self.count, visit);
    }

    fn keys(&self) -> impl Iterator<Item = CodeKey> {
        let campaign = self.campaign;
        let serials = (self.first..self.first + self.count).filter_map(Serial::new);
        serials.map(move |serial| CodeKey::Sealed { campaign, serial })
    }
}

impl Worker {
    /// Issues the next codes of a campaign. When it returns, every shard knows them.
    ///
    /// # Errors
    /// The refusal, or why there is none.
    pub async fn issue(
        &self,
        caller: Caller,
        key: Option<&IdempotencyKey>,
        campaign: &Arc<Campaign>,
        count: u64,
    ) -> Result<Issued, Error> {
        let number = campaign.id.number;
        let subject = subject(b"codes of ", number);
        let asked = asked(caller, key, &subject, &[&count.to_be_bytes()]);
        let command = Command::Issue { campaign: number, count, asked };
        let changed = self.change(command, Some(number)).await?;
        match changed.record.as_ref().map(|record| &record.event) {
            Some(Event::Issued { campaign, first, count }) => {
                let codes = self.range(campaign, *first, *count)?;
                Ok(Issued { codes, is_replayed: changed.is_replayed })
            }
            _ => Err(Error::internal("issuing left another record")),
        }
    }

    /// Codes of a campaign that were issued before.
    ///
    /// # Errors
    /// When the campaign's codes were not made here.
    pub fn range(&self, campaign: &Campaign, first: u64, count: u64) -> Result<CodeRange, Error> {
        let Codes::Sealed { epoch } = campaign.codes else {
            return Err(Error::ControlRefused(Refusal::CodesNotGenerated));
        };
        let view = self.view();
        let key = view.keys().ring.key(KeyEpoch(epoch.into())).cloned();
        let key = key.ok_or_else(|| Error::internal(format!("sealing key {epoch} is missing")))?;
        Ok(CodeRange { campaign: campaign.id.number, key, first, count })
    }

    /// What happened to each code of a range so far, with how often it is redeemed. The range
    /// should be short, since all of it is asked at once.
    ///
    /// # Errors
    /// When a shard cannot be asked.
    pub async fn states(&self, codes: &CodeRange) -> Result<Vec<(KnownState, u64)>, Error> {
        let ask = |code: CodeKey| self.query(self.place_of(&code), Query::Find(code));
        let asked: Vec<_> = codes.keys().map(ask).collect();
        let mut states = Vec::with_capacity(asked.len());
        for asked in asked {
            let Reply::Found(found) = reply(asked).await? else {
                return Err(Error::internal("a shard was asked for a code"));
            };
            let state = found.map(|(_, state)| state).unwrap_or_default();
            states.push((KnownState::of(state), state.uses));
        }
        Ok(states)
    }
}
