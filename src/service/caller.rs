//! Who asks, and what that one may do.
//!
//! It must never know the text of an API key, only its digest.

use std::collections::HashMap;

use redeemd_domain::control::{Control, Role};
use redeemd_domain::identifier::ApiKeyNumber;

/// An API key that was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The number under which entries name it.
    pub number: ApiKeyNumber,
    /// What it may do.
    pub role: Role,
}

/// Something that not everybody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Make, change, pause, resume and archive campaigns.
    ChangeCampaigns,
    /// Read campaigns.
    ReadCampaigns,
    /// Issue codes and see them again.
    HandleCodes,
    /// Ask whether a code could be redeemed, and redeem it.
    Redeem,
    /// Read redemptions.
    ReadRedemptions,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::ChangeCampaigns,
        Self::ReadCampaigns,
        Self::HandleCodes,
        Self::Redeem,
        Self::ReadRedemptions,
    ];

    /// Whether a role includes it.
    pub fn is_given_to(self, role: Role) -> bool {
        match self {
            Self::ChangeCampaigns | Self::HandleCodes => {
                matches!(role, Role::Admin | Role::Issuer)
            }
            Self::ReadCampaigns => matches!(role, Role::Admin | Role::Issuer | Role::Auditor),
            Self::Redeem => matches!(role, Role::Admin | Role::Redeemer | Role::Public),
            Self::ReadRedemptions => {
                matches!(role, Role::Admin | Role::Issuer | Role::Redeemer | Role::Auditor)
            }
        }
    }
}

/// The API keys that are let in, by the digest of their text.
///
/// Looking up by a digest needs no comparison in constant time: how long it takes says something
/// about the digest, and nobody can choose a text for its digest.
#[derive(Debug, Default)]
pub(super) struct Callers(HashMap<[u8; 32], Caller, ahash::RandomState>);

impl Callers {
    /// The keys of a state of the control sequence.
    pub(super) fn of(control: &Control) -> Self {
        let keys = control.api_keys().filter(|key| !key.revoked);
        Self(
            keys.map(|key| (key.digest, Caller { number: key.id.number, role: key.role }))
                .collect(),
        )
    }

    pub(super) fn find(&self, digest: &[u8; 32]) -> Option<Caller> {
        self.0.get(digest).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_may_what_the_interface_says() {
        use Permission::{ChangeCampaigns, HandleCodes, ReadCampaigns, ReadRedemptions, Redeem};
        let table: [(Role, &[Permission]); 5] = [
            (Role::Admin, &Permission::ALL),
            (Role::Issuer, &[ChangeCampaigns, ReadCampaigns, HandleCodes, ReadRedemptions]),
            (Role::Redeemer, &[Redeem, ReadRedemptions]),
            (Role::Auditor, &[ReadCampaigns, ReadRedemptions]),
            (Role::Public, &[Redeem]),
        ];
        for (role, permitted) in table {
            for permission in Permission::ALL {
                let expected = permitted.contains(&permission);
                assert_eq!(permission.is_given_to(role), expected, "{role:?} {permission:?}");
            }
        }
    }
}
