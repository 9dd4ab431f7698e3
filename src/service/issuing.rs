//! Issuing codes, and making the same codes again.
//!
//! A batch of sealed codes of any size is one small entry; the codes themselves are made as they
//! are read. Codes of patterns are listed first; see `drawing.rs`.

use std::sync::Arc;

use redeemd_domain::campaign::{Campaign, Codes};
use redeemd_domain::codes::{CodeKey, KeyEpoch};
use redeemd_domain::control::{Command, Event, Record, Refusal};
use redeemd_domain::shard::{CodeState, Query, Reply};

use super::asking::reply;
use super::caller::Caller;
use super::campaigns::{asked, subject};
use super::code_range::{CodeRange, Drawing, Source};
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
        if matches!(campaign.codes, Codes::Pattern { .. }) {
            return self.draw(number, count, asked).await;
        }
        let command = Command::Issue { campaign: number, count, asked };
        let changed = self.change(command, Some(number)).await?;
        self.issued(changed.record.as_deref(), changed.is_replayed)
    }

    /// The codes that a record says were issued.
    pub(super) fn issued(
        &self,
        record: Option<&Record>,
        is_replayed: bool,
    ) -> Result<Issued, Error> {
        let (campaign, first, count) = match record.map(|record| &record.event) {
            Some(Event::Issued { campaign, first, count }) => (campaign, *first, *count),
            Some(Event::PatternIssued { campaign, first, .. }) => {
                (campaign, *first, campaign.issued_from(*first))
            }
            _ => return Err(Error::internal("issuing left another record")),
        };
        Ok(Issued { codes: self.range(campaign, first, count)?, is_replayed })
    }

    /// So many codes of a campaign, from an index on, that were issued before.
    ///
    /// # Errors
    /// When the campaign's codes were not made here.
    pub fn range(&self, campaign: &Campaign, first: u64, count: u64) -> Result<CodeRange, Error> {
        let view = self.view();
        let missing = |what, number| Error::internal(format!("{what} {number} is missing"));
        let number = campaign.id.number;
        let source = match &campaign.codes {
            Codes::Sealed { epoch } => {
                let key = view.keys().ring.key(KeyEpoch((*epoch).into())).cloned();
                let key = Box::new(key.ok_or_else(|| missing("sealing key", *epoch))?);
                Source::Sealed { campaign: number, key }
            }
            Codes::Pattern { pattern, key, pepper, skipped, .. } => {
                let codes =
                    view.keys().pattern_key(*key).and_then(|key| key.codes(number, pattern));
                let codes = codes.ok_or_else(|| missing("pattern key", *key))?;
                let known = view.keys().pepper(*pepper).cloned();
                let pepper = known.ok_or_else(|| missing("pepper", *pepper))?;
                Source::Pattern(Arc::new(Drawing { codes, pepper, skipped: skipped.clone() }))
            }
            Codes::Imported => return Err(Error::ControlRefused(Refusal::CodesNotGenerated)),
        };
        Ok(CodeRange::new(source, first, count))
    }

    /// What happened to each code of a range so far, with how often it is redeemed. The range
    /// should be short, since all of it is asked at once.
    ///
    /// # Errors
    /// When a shard cannot be asked.
    pub async fn states(&self, codes: &CodeRange) -> Result<Vec<(KnownState, u64)>, Error> {
        let ask = |code: CodeKey| self.query(self.place_of(&code), Query::Find(code));
        let asked: Vec<_> = codes.keys().into_iter().map(ask).collect();
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
