//! What the records of events leave out, since it is said elsewhere: campaigns, API keys, and the
//! handles of codes.

use std::sync::Arc;

use redeemd_actors::control_view::ControlView;
use redeemd_domain::campaign::Campaign;
use redeemd_domain::codes::{CampaignNumber, CodeKey, Hint};
use redeemd_domain::control::{ApiKey, Control};
use redeemd_domain::identifier::ApiKeyNumber;

use crate::secrets::{Keys, Vault};

/// The state of the control sequence, to look things up that events name by number. One that
/// is opened after an event was read knows everything that the event names.
#[derive(Clone, Debug)]
pub struct Register {
    control: Arc<Control>,
    keys: Arc<Keys>,
}

impl Register {
    /// Opens it as it is now.
    pub fn new(view: &ControlView, vault: &Vault) -> Self {
        let control = view.current();
        Self { keys: vault.keys(&control), control }
    }

    /// A campaign.
    pub fn campaign(&self, number: CampaignNumber) -> Option<&Arc<Campaign>> {
        self.control.campaign(number)
    }

    /// An API key; `None` for the server itself.
    pub fn api_key(&self, number: ApiKeyNumber) -> Option<&ApiKey> {
        self.control.api_key(number)
    }

    /// A code's handle for people.
    pub fn hint(&self, code: &CodeKey) -> Hint {
        self.keys.hint.hint(code)
    }
}
