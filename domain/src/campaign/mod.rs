//! Campaigns: the rules under which codes may be redeemed, and the reward that they carry.
//!
//! The whole campaign belongs to the control sequence. A shard holds only what it needs to judge a
//! redemption, a [`CampaignView`], and ignores one whose revision is lower than what it has.

mod history;
mod stored;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use history::History;
use serde::{Deserialize, Serialize};

use crate::codes::{CampaignNumber, Pattern};
use crate::identifier::CampaignId;
use crate::rules::Rules;
use crate::timestamp::Timestamp;

/// The largest number of serials a campaign can issue: serials have 40 bits.
pub const MAX_ISSUED: u64 = 1 << 40;

/// Of how many possible codes of a pattern one may be issued, unless its codes may be guessable.
pub const GUESSES_A_CODE: u128 = 1_000_000;

/// The most indices of one campaign that may be skipped, because their codes exist elsewhere. They
/// stand in the campaign and so in the record of each of its changes, which must stay small.
pub const MAX_SKIPPED: usize = 10_000;

/// The longest campaign name, in characters.
pub const MAX_NAME_CHARACTERS: usize = 200;

/// The largest reward or metadata object, in bytes of JSON.
pub const MAX_OBJECT_BYTES: usize = 4096;

/// The most rewards that a campaign can have had, the present one included: all are kept, so that a
/// repeated request gets the reward of its time.
pub const MAX_REWARDS: usize = 100;

/// Counts the changes of one campaign, from 1 when it is made. Every change that a shard must know
/// takes the next revision, issuing included.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Revision(pub u32);

/// Whether codes of a campaign may be redeemed at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Status {
    /// Codes may be redeemed.
    Active,
    /// Nothing may be redeemed until the campaign is resumed.
    Paused,
    /// Nothing may ever be redeemed again.
    Archived,
}

/// When codes may be redeemed: from `starts_at` up to, and not including, `expires_at`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The first moment, or `None` when there is no beginning.
    pub starts_at: Option<Timestamp>,
    /// The first moment too late, or `None` when there is no end.
    pub expires_at: Option<Timestamp>,
}

/// Where a campaign's codes come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Codes {
    /// Generated sealed codes, enciphered under the key of an epoch.
    Sealed {
        /// The number of the key epoch that the campaign took when it was made.
        epoch: u16,
    },
    /// Listed codes that were brought in.
    Imported,
    /// Listed codes that are drawn by a pattern.
    Pattern {
        /// What they look like.
        pattern: Pattern,
        /// The number of the pattern key that draws them.
        key: u16,
        /// The number of the pepper that digests them.
        pepper: u16,
        /// Whether so many may be issued that guessing finds some.
        allow_guessable: bool,
        /// The indices below the campaign's `issued` that are no codes of it, because their codes
        /// existed elsewhere; in their order, at most [`MAX_SKIPPED`].
        skipped: Vec<u64>,
    },
}

impl Codes {
    /// The most codes that the campaign can have issued.
    pub fn most(&self) -> u64 {
        match self {
            Self::Sealed { .. } => MAX_ISSUED,
            Self::Imported => 0,
            Self::Pattern { pattern, allow_guessable, .. } => {
                most_of_pattern(pattern, *allow_guessable)
            }
        }
    }
}

/// The most codes that can be issued of a pattern.
pub fn most_of_pattern(pattern: &Pattern, allow_guessable: bool) -> u64 {
    let possible = pattern.possible();
    let most = if allow_guessable { possible } else { possible / GUESSES_A_CODE };
    u64::try_from(most).unwrap_or(u64::MAX).min(MAX_ISSUED)
}

/// What a shard must know of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignView {
    /// The campaign.
    pub number: CampaignNumber,
    /// Which of the campaign's changes this is.
    pub revision: Revision,
    /// Whether it may be redeemed.
    pub status: Status,
    /// When it may be redeemed.
    pub window: Window,
    /// How often each code may be redeemed; `None` is unlimited.
    pub uses_per_code: Option<u32>,
    /// How many serials of sealed codes are issued: 0 up to this number, exclusive. Always 0 where
    /// codes are listed, since those are known by their digests.
    pub issued: u64,
}

/// A campaign as the control sequence keeps it. Objects are JSON text, already checked and compact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "stored::StoredCampaign", into = "stored::StoredCampaign")]
pub struct Campaign {
    /// Its identifier, which carries its number and the time of its making.
    pub id: CampaignId,
    /// What people call it.
    pub name: Box<str>,
    /// Where its codes come from.
    pub codes: Codes,
    /// Its rules beyond those below. Once it has some it keeps them, if only as empty ones, so that
    /// every shard learns that they ended.
    pub rules: Option<Arc<Rules>>,
    /// The latest change.
    pub revision: Revision,
    /// The latest change of anything but the number of issued codes; what an `ETag` names.
    pub edition: Revision,
    /// Whether it may be redeemed.
    pub status: Status,
    /// When it may be redeemed.
    pub window: Window,
    /// How often each code may be redeemed; `None` is unlimited.
    pub uses_per_code: Option<u32>,
    /// How many serials of sealed codes, or indices of a pattern, are issued.
    pub issued: u64,
    /// What a redemption grants, by the revision since which it is so. A redemption's answer names
    /// the revision under which it happened, so that a repeated request gets the reward of then.
    pub rewards: BTreeMap<Revision, Option<Box<str>>>,
    /// What the campaign's owner noted.
    pub metadata: Option<Box<str>>,
}

/// All that a shard is told of a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What every campaign has.
    pub view: CampaignView,
    /// What few have.
    pub rules: Option<Arc<Rules>>,
}

impl Campaign {
    /// All that shards are told.
    pub fn terms(&self) -> Terms {
        Terms { view: self.view(), rules: self.rules.clone() }
    }

    /// What shards must know.
    pub fn view(&self) -> CampaignView {
        let issued = match self.codes {
            Codes::Sealed { .. } => self.issued,
            Codes::Imported | Codes::Pattern { .. } => 0,
        };
        CampaignView {
            number: self.id.number,
            revision: self.revision,
            status: self.status,
            window: self.window,
            uses_per_code: self.uses_per_code,
            issued,
        }
    }

    /// How many codes were issued from an index on. Codes that were brought in do not count.
    pub fn issued_from(&self, first: u64) -> u64 {
        let indices = self.issued.saturating_sub(first);
        let skipped = self.skipped().iter().rev().take_while(|&&index| index >= first).count();
        indices.saturating_sub(skipped as u64)
    }

    /// The indices that are no codes of the campaign, in their order.
    pub fn skipped(&self) -> &[u64] {
        match &self.codes {
            Codes::Pattern { skipped, .. } => skipped,
            Codes::Sealed { .. } | Codes::Imported => &[],
        }
    }

    /// The reward as it was at a revision.
    pub fn reward_at(&self, revision: Revision) -> Option<&str> {
        self.rewards.range(..=revision).next_back().and_then(|(_, reward)| reward.as_deref())
    }

    /// The reward as it is.
    pub fn reward(&self) -> Option<&str> {
        self.reward_at(self.revision)
    }
}
