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
    /// Redeem many codes with one request.
    RedeemInBatches,
    /// Read redemptions.
    ReadRedemptions,
    /// See what became of a code that one has.
    LookUpCodes,
    /// Revoke and restore codes.
    RevokeCodes,
    /// Hold codes for users, confirm and release holds.
    HoldCodes,
    /// Roll redemptions back.
    RollBack,
    /// Make codes worth more.
    TopUp,
    /// Let API keys in, see them, and shut them out.
    ManageApiKeys,
    /// Follow what happens: the events of everything.
    ReadEvents,
    /// Take a backup, which has everything in it.
    BackUp,
    /// Say that the clock is right after a leap.
    BelieveClock,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::ChangeCampaigns,
        Self::ReadCampaigns,
        Self::HandleCodes,
        Self::Redeem,
        Self::RedeemInBatches,
        Self::ReadRedemptions,
        Self::LookUpCodes,
        Self::RevokeCodes,
        Self::HoldCodes,
        Self::RollBack,
        Self::TopUp,
        Self::ManageApiKeys,
        Self::ReadEvents,
        Self::BackUp,
        Self::BelieveClock,
    ];

    /// Whether a role includes it.
    pub fn is_given_to(self, role: Role) -> bool {
        match self {
            Self::ChangeCampaigns
            | Self::HandleCodes
            | Self::RevokeCodes
            | Self::RollBack
            | Self::TopUp => {
                matches!(role, Role::Admin | Role::Issuer)
            }
            Self::ReadCampaigns | Self::LookUpCodes | Self::ReadEvents => {
                matches!(role, Role::Admin | Role::Issuer | Role::Auditor)
            }
            Self::Redeem => matches!(role, Role::Admin | Role::Redeemer | Role::Public),
            Self::RedeemInBatches | Self::HoldCodes => matches!(role, Role::Admin | Role::Redeemer),
            Self::ManageApiKeys => role == Role::Admin,
            Self::ReadRedemptions => {
                matches!(role, Role::Admin | Role::Issuer | Role::Redeemer | Role::Auditor)
            }
            Self::BackUp | Self::BelieveClock => role == Role::Admin,
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
        use Permission::{
            ChangeCampaigns, HandleCodes, HoldCodes, LookUpCodes, ReadCampaigns, ReadEvents,
            ReadRedemptions, Redeem, RedeemInBatches, RevokeCodes, RollBack, TopUp,
        };
        let issuer = [
            ChangeCampaigns,
            ReadCampaigns,
            HandleCodes,
            ReadRedemptions,
            LookUpCodes,
            RevokeCodes,
            RollBack,
            TopUp,
            ReadEvents,
        ];
        let table: [(Role, &[Permission]); 5] = [
            (Role::Admin, &Permission::ALL),
            (Role::Issuer, &issuer),
            (Role::Redeemer, &[Redeem, RedeemInBatches, HoldCodes, ReadRedemptions]),
            (Role::Auditor, &[ReadCampaigns, ReadRedemptions, LookUpCodes, ReadEvents]),
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
