//! The number by which codes, shards and the journal know a campaign. It must never know the
//! campaign's rules, its name, or the identifier that clients see.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The number of a campaign, given out by the control sequence and never given out twice.
///
/// It is part of every sealed code, so it is fixed for as long as one such code exists.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct CampaignNumber(pub u32);

impl CampaignNumber {
    /// The number itself; every value is possible.
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for CampaignNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
