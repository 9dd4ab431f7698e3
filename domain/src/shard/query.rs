//! What a shard can be asked without changing anything.

use super::{Campaign, CodeState, Counts, Shard};
use crate::campaign::CampaignView;
use crate::codes::{CampaignNumber, CodeKey};
use crate::machine::Machine;
use crate::refusal::Refusal;
use crate::timestamp::Timestamp;

/// A question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Query {
    /// Could this code be redeemed now?
    Validate(CodeKey),
    /// What is known of this code?
    Find(CodeKey),
    /// How many of a campaign's codes are in which state?
    Count(CampaignNumber),
    /// How far has the shard come?
    Progress,
}

/// What a shard says to a question, at the last entry that it applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Whether the code could be redeemed, and under which rules.
    Validated(Result<Validated, Refusal>),
    /// The code's campaign and state, if it exists.
    Found(Option<(CampaignView, CodeState)>),
    /// The counts; zeros for a campaign that is not known.
    Counted(Counts),
    /// How far the shard has come.
    Progress {
        /// The last entry that was applied.
        last: u64,
        /// The last entry that is forgotten.
        forgotten: u64,
        /// How many records of keyed requests are remembered.
        remembered: usize,
    },
}

/// A code that could be redeemed now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validated {
    /// The rules.
    pub campaign: CampaignView,
    /// What happened to the code so far.
    pub state: CodeState,
}

impl Shard {
    pub(super) fn reply_to(&self, query: &Query, at: Timestamp) -> Reply {
        match query {
            Query::Validate(code) => Reply::Validated(self.validate(code, at)),
            Query::Find(code) => {
                Reply::Found(self.find(code).map(|(campaign, state)| (campaign.view, state)))
            }
            Query::Count(number) => {
                let counts = |campaign: &Campaign| campaign.counts;
                Reply::Counted(self.campaign(*number).map_or_else(Counts::default, counts))
            }
            Query::Progress => Reply::Progress {
                last: self.last(),
                forgotten: self.forgotten(),
                remembered: self.remembered(),
            },
        }
    }
}
