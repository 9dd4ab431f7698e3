//! Which events are asked for.

use redeemd_domain::codes::CampaignNumber;

use super::kind::EventKind;

/// Which events are asked for; [`Default`] is all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Those about this campaign.
    pub campaign: Option<CampaignNumber>,
    /// Those of these kinds.
    pub kinds: Option<Vec<EventKind>>,
}

impl EventFilter {
    /// Whether everything is asked for.
    pub fn admits_all(&self) -> bool {
        *self == Self::default()
    }

    /// Whether an event of a kind and about some campaigns is asked for.
    pub fn admits(&self, kind: EventKind, campaigns: &[CampaignNumber]) -> bool {
        self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&kind))
            && self.campaign.is_none_or(|wanted| campaigns.contains(&wanted))
    }
}
