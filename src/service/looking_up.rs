//! Looking a code up: what it is, and what became of it.

use std::sync::Arc;

use redeemd_domain::campaign::Campaign;
use redeemd_domain::codes::{CodeKey, Hint};
use redeemd_domain::refusal::Refusal;
use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_domain::shard::{Query, Record, Reply};
use redeemd_persistence::ledger::{Key, KeyKind, LedgerReader};

use super::asking::reply;
use super::error::Error;
use super::issuing::KnownState;
use super::ledger_search::{self, decode, unreadable};
use super::redeeming::Redeemed;
use super::worker::Worker;

/// The most redemptions that are told of a code.
const MOST_REDEMPTIONS: usize = 100;

/// The most records of a code that are looked at for them.
const MOST_RECORDS: usize = 10_000;

/// A code that exists.
#[derive(Debug)]
pub struct Found {
    /// Its campaign.
    pub campaign: Arc<Campaign>,
    /// Its handle for people.
    pub hint: Hint,
    /// What happened to it so far.
    pub state: KnownState,
    /// How often it is redeemed at present.
    pub uses: u64,
    /// How often it can still be redeemed; `None` is without a limit.
    pub uses_left: Option<u64>,
    /// Its redemptions, the newest first, and no more than a hundred.
    pub redemptions: Vec<Redeemed>,
}

impl Worker {
    /// Looks a code up. Every redemption that was answered before is told.
    ///
    /// # Errors
    /// When there is no such code, or the shard or the ledger cannot be asked.
    pub async fn look_up(&self, text: &str) -> Result<Found, Error> {
        let code = {
            let view = self.view();
            self.code_of(&view, text).await?
        };
        let code = code.ok_or(Error::Refused(Refusal::InvalidCode))?;
        let place = self.place_of(&code);
        // Both travel in one message, so both are about the same moment.
        let (found, progress) =
            (self.query(place, Query::Find(code)), self.query(place, Query::Progress));
        let (Reply::Found(found), Reply::Progress { last, .. }) =
            (reply(found).await?, reply(progress).await?)
        else {
            return Err(Error::internal("a shard answered another question than it was asked"));
        };
        let (campaign, state) = found.ok_or(Error::Refused(Refusal::InvalidCode))?;
        let records = self.records_of(code, last).await?;
        let view = self.view();
        let redeemed = |record| Redeemed::of(Arc::new(record), &view, false);
        let redemptions = records.into_iter().map(redeemed).collect::<Result<_, _>>()?;
        let limit = campaign.uses_per_code.map(u64::from);
        let campaign = view.campaign(campaign.number).map(Arc::clone);
        Ok(Found {
            campaign: campaign.ok_or_else(|| Error::internal("a code has no campaign"))?,
            hint: view.keys().hint.hint(&code),
            state: KnownState::of(state),
            uses: state.uses,
            uses_left: limit.map(|limit| limit.saturating_sub(state.uses)),
            redemptions,
        })
    }

    /// The records of a code's redemptions up to an entry, the newest first.
    async fn records_of(&self, code: CodeKey, last: u64) -> Result<Vec<Record>, Error> {
        let node = &self.inner().node;
        let sequence = SequenceId::shard(node.layout.shard_of(code.slot()));
        let position = Position { sequence, number: last };
        ledger_search::wait_until_appended(&node.ledger, position).await?;
        let ledger = node.ledger.clone();
        ledger_search::waiting(move || records_of(&ledger, code, position)).await
    }
}

fn records_of(
    ledger: &LedgerReader,
    code: CodeKey,
    through: Position,
) -> Result<Vec<Record>, Error> {
    let mut records = Vec::new();
    let key = code.canonical();
    for found in ledger.find(Key { kind: KeyKind::CODE, bytes: &key }).take(MOST_RECORDS) {
        let found = found.map_err(unreadable)?.record;
        let Position { sequence, number } = found.position;
        // Another key may have the same hash, and the ledger may know more by now.
        if sequence != through.sequence || number > through.number {
            continue;
        }
        let record: Record = decode(&found)?;
        if record.redemption().is_some_and(|(_, redemption)| redemption.code == code) {
            records.push(record);
            if records.len() == MOST_REDEMPTIONS {
                break;
            }
        }
    }
    Ok(records)
}
