//! Looking a code up: what it is, and what became of it.

use std::sync::Arc;

use redeemd_domain::campaign::Campaign;
use redeemd_domain::codes::Hint;
use redeemd_domain::refusal::Refusal;
use redeemd_domain::shard::{Hold, Known, Query, Record, Reply};

use super::asking::reply;
use super::error::Error;
use super::issuing::KnownState;
use super::redeeming::Redeemed;
use super::worker::Worker;

/// The most redemptions that are told of a code.
const MOST_REDEMPTIONS: usize = 100;

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
    /// What is left of it, in minor units, where its campaign has a balance.
    pub balance_left: Option<u64>,
    /// The holds on it, in the order of their placing.
    pub holds: Vec<Hold>,
    /// Its redemptions, the newest first, and no more than a hundred.
    pub redemptions: Vec<Redeemed>,
}

impl Worker {
    /// Looks a code up. Every redemption that was answered before is told.
    ///
    /// # Errors
    /// When there is no such code, or the shard or the ledger cannot be asked.
    pub async fn look_up(&self, text: &str) -> Result<Found, Error> {
        let code = self.code_meant_by(text).await?;
        let place = self.place_of(&code);
        // Both travel in one message, so both are about the same moment.
        let (found, progress) =
            (self.query(place, Query::Know(code)), self.query(place, Query::Progress));
        let (Reply::Known(known), Reply::Progress { last, .. }) =
            (reply(found).await?, reply(progress).await?)
        else {
            return Err(Error::internal("a shard answered another question than it was asked"));
        };
        let known = *known.ok_or(Error::Refused(Refusal::InvalidCode))?;
        let Known { campaign, state, balance_left, holds } = known;
        let is_redemption = |record: &Record| record.redemption().is_some();
        let records = self.history_through(code, last, MOST_REDEMPTIONS, is_redemption).await?;
        let view = self.view();
        let redeemed = |record| Redeemed::of(Arc::new(record), &view, false);
        let mut redemptions = records.into_iter().map(redeemed).collect::<Result<Vec<_>, _>>()?;
        self.find_standings(&mut redemptions).await?;
        let limit = campaign.uses_per_code.map(u64::from);
        let campaign = view.campaign(campaign.number).map(Arc::clone);
        Ok(Found {
            campaign: campaign.ok_or_else(|| Error::internal("a code has no campaign"))?,
            hint: view.keys().hint.hint(&code),
            state: KnownState::of(state),
            uses: state.uses,
            uses_left: limit.map(|limit| limit.saturating_sub(state.uses)),
            balance_left,
            holds,
            redemptions,
        })
    }
}
