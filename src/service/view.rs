//! What one thread knows of the control state: campaigns, API keys and the keys of codes, made
//! ready for looking up.

use std::sync::Arc;

use redeemd_domain::campaign::Campaign;
use redeemd_domain::codes::CampaignNumber;
use redeemd_domain::control::Control;

use super::caller::{Caller, Callers};
use crate::secrets::{Keys, Vault, digest_of_api_key};

/// A state of the control sequence. It does not change; [`super::Worker::view`] gives a newer one.
#[derive(Debug)]
pub struct View {
    control: Arc<Control>,
    callers: Callers,
    keys: Arc<Keys>,
}

impl View {
    pub(super) fn of(control: Arc<Control>, vault: &Vault) -> Self {
        Self { callers: Callers::of(&control), keys: vault.keys(&control), control }
    }

    /// The whole state.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// The keys of codes.
    pub fn keys(&self) -> &Keys {
        &self.keys
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
