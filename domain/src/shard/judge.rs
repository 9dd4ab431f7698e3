//! Whether a code may be redeemed: the one place that decides it, for redemptions, early refusals
//! and validations alike.

use super::query::Validated;
use super::{Campaign, CodeState, Shard};
use crate::campaign::{CampaignView, Status};
use crate::codes::CodeKey;
use crate::machine::{Machine, Recollection};
use crate::refusal::Refusal;
use crate::request::Request;
use crate::timestamp::Timestamp;

/// What is to be said to a wish to redeem.
pub(super) enum Verdict {
    /// The code may be redeemed.
    Granted { view: CampaignView, state: CodeState },
    /// It may not.
    Refused(Refusal),
    /// The request may have been answered before, beyond what is remembered here.
    SearchLedger { through: u64 },
    /// The request was answered before.
    Replayed(std::sync::Arc<super::Record>),
}

impl Shard {
    /// Judges a wish to redeem a code at a time, without changing anything.
    pub(super) fn judge(
        &self,
        code: &CodeKey,
        request: Option<&Request>,
        at: Timestamp,
    ) -> Verdict {
        if let Some(request) = request {
            match self.recent.recall(request) {
                Recollection::Answered(record) => return Verdict::Replayed(record),
                Recollection::Reused => return Verdict::Refused(Refusal::IdempotencyKeyReused),
                Recollection::Unknown => {}
            }
        }
        let Some((campaign, state)) = self.find(code) else {
            return Verdict::Refused(Refusal::InvalidCode);
        };
        // A code that was never used was never answered for, so there is nothing to find.
        if state.was_ever_used() && self.must_search(request) {
            return Verdict::SearchLedger { through: self.forgotten() };
        }
        match refusal(campaign, state, at) {
            Some(refusal) => Verdict::Refused(refusal),
            None => Verdict::Granted { view: campaign.view, state },
        }
    }

    /// Whether the ledger could know an answer to the request that this state has forgotten.
    pub(super) fn must_search(&self, request: Option<&Request>) -> bool {
        request.is_some_and(|request| request.searched < self.forgotten())
    }

    /// Whether a code could be redeemed at a time. Changes nothing and promises nothing: another
    /// redemption may come first.
    ///
    /// # Errors
    /// The refusal that a redemption would get.
    pub fn validate(&self, code: &CodeKey, at: Timestamp) -> Result<Validated, Refusal> {
        let (campaign, state) = self.find(code).ok_or(Refusal::InvalidCode)?;
        let validated = Validated { campaign: campaign.view, state };
        refusal(campaign, state, at).map_or(Ok(validated), Err)
    }
}

/// The first of the refusals that hold, in the order that [`Refusal`] documents.
fn refusal(campaign: &Campaign, state: CodeState, at: Timestamp) -> Option<Refusal> {
    let view = &campaign.view;
    let is_over = view.window.expires_at.is_some_and(|end| at >= end);
    let holds = |refusal: Refusal| match refusal {
        // Settled before: these are about the request and the code's existence.
        Refusal::IdempotencyKeyReused | Refusal::InvalidCode => false,
        Refusal::Revoked => state.revoked,
        Refusal::NotYetValid => {
            view.window.starts_at.is_some_and(|start| at < start)
                || (!is_over && campaign.rules.as_ref().is_some_and(|rules| !rules.is_open_at(at)))
        }
        Refusal::Expired => is_over,
        Refusal::CampaignArchived => view.status == Status::Archived,
        Refusal::CampaignPaused => view.status == Status::Paused,
        Refusal::AlreadyRedeemed => {
            view.uses_per_code.is_some_and(|limit| state.uses >= u64::from(limit))
        }
    };
    Refusal::ALL.into_iter().find(|&refusal| holds(refusal))
}
