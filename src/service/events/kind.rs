//! The kinds of events, and which of them a record is.

use redeemd_domain::shard::{Extent, Placing};
use redeemd_domain::{control, shard};

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventKind {
    /// A campaign was made.
    CampaignCreated,
    /// A campaign was changed, paused, resumed or archived.
    CampaignUpdated,
    /// Codes were issued.
    CodesIssued,
    /// Codes of an import or a pattern became known to a shard.
    CodesListed,
    /// An import was completed.
    CodesImported,
    /// A code was revoked.
    CodeRevoked,
    /// A revoked code was restored.
    CodeRestored,
    /// A code was made worth more.
    CodeToppedUp,
    /// A code was redeemed.
    RedemptionCreated,
    /// A redemption was rolled back as a whole.
    RedemptionRolledBack,
    /// Some money of a redemption came back; its use stays.
    RedemptionPartlyRolledBack,
    /// A use of a code is kept for a user.
    HoldPlaced,
    /// A hold lasts longer.
    HoldProlonged,
    /// A hold was given up.
    HoldReleased,
    /// Holds expired.
    HoldsExpired,
    /// An API key was let in.
    ApiKeyCreated,
    /// An API key was shut out.
    ApiKeyRevoked,
    /// A secret of the server was made.
    SecretCreated,
}

impl EventKind {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::CampaignCreated,
        Self::CampaignUpdated,
        Self::CodesIssued,
        Self::CodesListed,
        Self::CodesImported,
        Self::CodeRevoked,
        Self::CodeRestored,
        Self::CodeToppedUp,
        Self::RedemptionCreated,
        Self::RedemptionRolledBack,
        Self::RedemptionPartlyRolledBack,
        Self::HoldPlaced,
        Self::HoldProlonged,
        Self::HoldReleased,
        Self::HoldsExpired,
        Self::ApiKeyCreated,
        Self::ApiKeyRevoked,
        Self::SecretCreated,
    ];

    /// What clients call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::CampaignCreated => "campaign.created",
            Self::CampaignUpdated => "campaign.updated",
            Self::CodesIssued => "codes.issued",
            Self::CodesListed => "codes.listed",
            Self::CodesImported => "codes.imported",
            Self::CodeRevoked => "code.revoked",
            Self::CodeRestored => "code.restored",
            Self::CodeToppedUp => "code.topped_up",
            Self::RedemptionCreated => "redemption.created",
            Self::RedemptionRolledBack => "redemption.rolled_back",
            Self::RedemptionPartlyRolledBack => "redemption.partly_rolled_back",
            Self::HoldPlaced => "hold.placed",
            Self::HoldProlonged => "hold.prolonged",
            Self::HoldReleased => "hold.released",
            Self::HoldsExpired => "holds.expired",
            Self::ApiKeyCreated => "api_key.created",
            Self::ApiKeyRevoked => "api_key.revoked",
            Self::SecretCreated => "secret.created",
        }
    }

    /// The kind with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind of what happened in a shard; `None` where nothing changed.
    pub fn of_shard(event: &shard::Event) -> Option<Self> {
        Some(match event {
            shard::Event::Redeemed(_) | shard::Event::Spent(_) => Self::RedemptionCreated,
            shard::Event::Revoked(_) => Self::CodeRevoked,
            shard::Event::Restored(_) => Self::CodeRestored,
            shard::Event::Listed { digests, .. } if digests.is_empty() => return None,
            shard::Event::Listed { .. } => Self::CodesListed,
            shard::Event::RolledBack(rolled_back) => match rolled_back.extent {
                Extent::Whole => Self::RedemptionRolledBack,
                Extent::Part { .. } => Self::RedemptionPartlyRolledBack,
            },
            shard::Event::HoldPlaced(placed) => match placed.placing {
                Placing::New => Self::HoldPlaced,
                Placing::Prolonged => Self::HoldProlonged,
            },
            shard::Event::HoldReleased(_) => Self::HoldReleased,
            shard::Event::HoldsExpired(_) => Self::HoldsExpired,
            shard::Event::ToppedUp(_) => Self::CodeToppedUp,
        })
    }

    /// The kind of what happened in the control sequence.
    pub fn of_control(event: &control::Event) -> Option<Self> {
        Some(match event {
            control::Event::SecretAdded(_) => Self::SecretCreated,
            control::Event::ApiKeyAdded { .. } => Self::ApiKeyCreated,
            control::Event::ApiKeyRevoked(_) => Self::ApiKeyRevoked,
            control::Event::CampaignMade(_) => Self::CampaignCreated,
            control::Event::CampaignChanged(_) => Self::CampaignUpdated,
            control::Event::Issued { .. } | control::Event::PatternIssued { .. } => {
                Self::CodesIssued
            }
            control::Event::Imported { .. } | control::Event::ImportKept { .. } => {
                Self::CodesImported
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_of_one_kind() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::parse(kind.name()), Some(kind));
        }
        assert_eq!(EventKind::parse("redemption"), None);
    }
}
