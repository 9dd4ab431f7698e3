//! The server's own running: what stage it is in, what may change meanwhile, how well it is.
//!
//! Everything here is for those who run the server. It knows nothing of campaigns and codes, and
//! decides nothing about them.

mod connections;
mod health;
mod lifecycle;
mod listeners;
mod live;
mod memory;
mod notification;
mod reload;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use redeemd_actors::node::Node;
use redeemd_actors::projector::status::ProjectorStatus;
use redeemd_config::Settings;

use crate::limits::{Limiter, Sharing};

pub use connections::{Connection, Connections, UnderWay};
pub use health::{Check, Finding, Health, Part, Report, examine, oldest_waiting_seconds};
pub use lifecycle::{Lifecycle, Stage};
pub use listeners::{Listeners, Listening};
pub use live::Live;
pub use memory::{Memory, Usage};
pub use notification::Notifier;
pub use reload::{LastReload, Reloader, Reloads};

/// What there is to be seen of the running server, by metrics, health and the interface.
pub struct Operation {
    /// The stages of its life.
    pub lifecycle: Lifecycle,
    /// The settings that may change while it runs.
    pub live: Live,
    /// How the settings were loaded again.
    pub reloads: Reloads,
    /// The connections of clients.
    pub connections: Arc<Connections>,
    /// How often clients may ask.
    pub limiter: Limiter,
    /// What of that is counted together with other servers.
    pub sharing: Sharing,
    /// Those who listen to events.
    pub listeners: Arc<Listeners>,
    /// How outcomes are copied to PostgreSQL.
    pub projector: Arc<ProjectorStatus>,
    /// How much memory it may have.
    pub memory: Memory,
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// The settings that hold until the next start.
    pub settings: Settings,
    node: OnceLock<Node>,
}

impl Operation {
    /// Of a server that begins to start.
    pub fn new(settings: &Settings) -> Self {
        Self {
            lifecycle: Lifecycle::default(),
            live: Live::new(settings),
            reloads: Reloads::default(),
            connections: Arc::default(),
            limiter: Limiter::default(),
            sharing: Sharing::default(),
            listeners: Arc::default(),
            projector: Arc::default(),
            memory: Memory::of_this_process(),
            data_dir: settings.data_dir.clone(),
            settings: settings.clone(),
            node: OnceLock::new(),
        }
    }

    /// The actors, once they are started.
    pub fn node(&self) -> Option<&Node> {
        self.node.get()
    }

    /// Says that the actors are started. Only the first time counts.
    pub fn set_node(&self, node: &Node) {
        self.node.get_or_init(|| node.clone());
    }

    /// Whether it may be sent traffic.
    pub fn is_ready(&self) -> bool {
        let reachable = |node: &Node| node.shards.unreachable() + node.control.unreachable() == 0;
        self.lifecycle.stage() == Stage::Serving
            && self.node().is_some_and(|node| node.is_ready() && reachable(node))
    }
}
