//! What the records of events leave out, since it is said elsewhere: campaigns, API keys, and the
//! handles of codes.

use std::collections::BTreeMap;
use std::sync::Arc;

use redeemd_actors::control_view::ControlView;
use redeemd_domain::campaign::Campaign;
use redeemd_domain::codes::{CampaignNumber, CodeKey, Hint, Hints};
use redeemd_domain::control::{self, ApiKey, Control};
use redeemd_domain::identifier::ApiKeyNumber;

use crate::secrets::{Keys, Vault};

/// What is known of campaigns and API keys, to look things up that events name by number. One that
/// is opened after an event was read knows everything that the event names.
#[derive(Clone, Debug)]
pub struct Register {
    names: Names,
    handles: Handles,
}

/// Where campaigns and API keys are known.
#[derive(Clone, Debug)]
enum Names {
    /// In the state of the control sequence.
    State(Arc<Control>),
    /// In what its records told.
    Records(Arc<ToldNames>),
}

/// Where the handles of codes are known.
#[derive(Clone, Debug)]
enum Handles {
    Keys(Arc<Keys>),
    Told(Hints),
}

/// Campaigns and API keys as the records of the control sequence tell of them: for whoever has the
/// records and not the state.
#[derive(Clone, Debug, Default)]
pub struct ToldNames {
    campaigns: BTreeMap<CampaignNumber, Arc<Campaign>>,
    api_keys: BTreeMap<ApiKeyNumber, ApiKey>,
}

impl Register {
    /// Opens it as it is now.
    pub fn new(view: &ControlView, vault: &Vault) -> Self {
        let control = view.current();
        let handles = Handles::Keys(vault.keys(&control));
        Self { names: Names::State(control), handles }
    }

    /// One of what was told.
    pub fn told(names: Arc<ToldNames>, hints: Vec<(CodeKey, Hint)>) -> Self {
        Self { names: Names::Records(names), handles: Handles::Told(Hints::Told(hints)) }
    }

    /// A campaign.
    pub fn campaign(&self, number: CampaignNumber) -> Option<&Arc<Campaign>> {
        match &self.names {
            Names::State(control) => control.campaign(number),
            Names::Records(told) => told.campaigns.get(&number),
        }
    }

    /// An API key; `None` for the server itself.
    pub fn api_key(&self, number: ApiKeyNumber) -> Option<&ApiKey> {
        match &self.names {
            Names::State(control) => control.api_key(number),
            Names::Records(told) => told.api_keys.get(&number),
        }
    }

    /// A code's handle for people.
    pub fn hint(&self, code: &CodeKey) -> Hint {
        match &self.handles {
            Handles::Keys(keys) => keys.hint.hint(code),
            Handles::Told(hints) => hints.hint(code),
        }
    }
}

impl ToldNames {
    /// Takes the next record.
    pub fn learn(&mut self, record: &control::Record) {
        if let Some(campaign) = record.campaign() {
            self.campaigns.insert(campaign.id.number, Arc::new(campaign.clone()));
        }
        if let control::Event::ApiKeyAdded { id, role, name } = &record.event {
            // Records withhold what would let anybody in.
            let (id, role, name) = (*id, *role, name.clone());
            let key = ApiKey { id, digest: [0; 32], role, name, revoked: false };
            self.api_keys.insert(id.number, key);
        }
    }
}
