//! What one thread knows of the control state: campaigns, API keys and the keys of codes, made
//! ready for looking up.

use std::sync::Arc;

use redeemd_domain::campaign::{Campaign, Codes, Status};
use redeemd_domain::codes::{CampaignNumber, CodeKey};
use redeemd_domain::control::Control;
use redeemd_domain::shard::Command;

use super::caller::{Caller, Callers};
use crate::secrets::{Keys, Vault, digest_of_api_key};

/// A state of the control sequence. It does not change; [`super::Worker::view`] gives a newer one.
#[derive(Debug)]
pub struct View {
    control: Arc<Control>,
    callers: Callers,
    keys: Arc<Keys>,
    has_listed_codes: bool,
    /// Whether any campaign limits each user.
    limits_users: bool,
    /// Whether any campaign of listed codes has a limit that spans codes.
    limits_listed_codes: bool,
}

impl View {
    pub(super) fn of(control: Arc<Control>, vault: &Vault) -> Self {
        // Looked for once, since every text that is no sealed code needs it.
        let is_listed = |codes: &Codes| matches!(codes, Codes::Imported | Codes::Pattern { .. });
        let has_listed_codes = control.campaigns().any(|campaign| is_listed(&campaign.codes));
        let limits_listed_codes =
            control.campaigns().any(|campaign| is_listed(&campaign.codes) && spans_codes(campaign));
        let limits_users = control.campaigns().any(|campaign| limits_users(campaign));
        let (callers, keys) = (Callers::of(&control), vault.keys(&control));
        Self { control, callers, keys, limits_users, has_listed_codes, limits_listed_codes }
    }

    /// The whole state.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// The keys of codes.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Whether any campaign has codes that are known by their digests. Where none has, a text that
    /// is no sealed code is no code.
    pub fn has_listed_codes(&self) -> bool {
        self.has_listed_codes
    }

    /// Whether a limit that spans codes may hold of this one.
    pub(super) fn spans_codes(&self, code: &CodeKey) -> bool {
        match code {
            CodeKey::Sealed { campaign, .. } => {
                self.campaign(*campaign).is_some_and(|campaign| spans_codes(campaign))
            }
            CodeKey::Listed(_) => self.limits_listed_codes,
        }
    }

    /// The campaign of a command's code, where the code's shard will most likely say that one of the
    /// user's uses must be claimed first. Where a share of a total comes before that it will not; nor
    /// where it wants to hear first whether the ledger knows the request, since the code was used
    /// before. The campaign of a listed code is not known here.
    pub(super) fn expects_claim(&self, command: &Command) -> Option<CampaignNumber> {
        if !self.limits_users {
            return None;
        }
        let redeem = match command {
            Command::Redeem(redeem) => redeem,
            Command::Spend(spend) => &spend.redeem,
            _ => return None,
        };
        let CodeKey::Sealed { campaign, .. } = redeem.code else { return None };
        let known = self.campaign(campaign)?;
        let rules = known.rules.as_deref()?;
        let is_expected = rules.uses_per_user.is_some()
            && rules.total_uses.is_none()
            && known.status == Status::Active
            && (known.uses_per_code == Some(1) || redeem.request.is_none());
        is_expected.then_some(campaign)
    }

    /// A campaign.
    pub fn campaign(&self, number: CampaignNumber) -> Option<&Arc<Campaign>> {
        self.control.campaign(number)
    }

    /// Who has this API key, if it is let in.
    pub fn caller(&self, api_key: &[u8]) -> Option<Caller> {
        self.callers.find(&digest_of_api_key(api_key))
    }
}

fn limits_users(campaign: &Campaign) -> bool {
    campaign.rules.as_deref().is_some_and(|rules| rules.uses_per_user.is_some())
}

fn spans_codes(campaign: &Campaign) -> bool {
    let rules = campaign.rules.as_deref();
    rules.is_some_and(|rules| rules.uses_per_user.is_some() || rules.total_uses.is_some())
}
