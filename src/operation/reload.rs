//! Loading the settings again while the server runs: all or nothing. What is wrong changes nothing;
//! what needs a restart is named.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use redeemd_actors::status::Number;
use redeemd_actors::wall_clock::seconds_since_1970;
use redeemd_config::{Change, Description, Effect, LoadOptions, Settings};

use super::Operation;

/// What became of the settings since the start.
#[derive(Debug, Default)]
pub struct Reloads {
    /// How often they were loaded again and taken over.
    pub succeeded: Number,
    /// How often they were wrong, so that nothing changed.
    pub failed: Number,
    last: Mutex<LastReload>,
}

/// The last time that the settings were loaded again.
#[derive(Clone, Debug, Default)]
pub struct LastReload {
    /// When, in seconds since 1970; 0 where it never happened.
    pub at: u64,
    /// What was wrong with them.
    pub error: Option<String>,
    /// Settings that were changed and need a restart.
    pub waiting: Vec<String>,
}

impl Reloads {
    /// The last one.
    pub fn last(&self) -> LastReload {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, result: Result<Vec<String>, String>) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.at = seconds_since_1970();
        match result {
            Ok(waiting) => {
                self.succeeded.add(1);
                (last.error, last.waiting) = (None, waiting);
            }
            Err(error) => {
                self.failed.add(1);
                last.error = Some(error);
            }
        }
    }
}

/// Puts settings into force wherever they are kept.
type Apply = Box<dyn Fn(&Settings) + Send + Sync>;

/// Loads the settings again.
pub struct Reloader {
    operation: Arc<Operation>,
    options: LoadOptions,
    apply: Apply,
    /// The settings of the start, and those loaded last.
    known: Mutex<(Description, Description)>,
}

impl Reloader {
    /// Loads from where the settings of the start came from; `described` is what they were then.
    pub fn new(
        operation: Arc<Operation>,
        options: LoadOptions,
        described: Description,
        apply: impl Fn(&Settings) + Send + Sync + 'static,
    ) -> Self {
        let known = Mutex::new((described.clone(), described));
        Self { operation, options, apply: Box::new(apply), known }
    }

    /// Loads the settings and puts those into force that may change. Blocks for as long as reading
    /// a file takes.
    pub fn reload(&self) {
        let begun = Instant::now();
        let result = self.try_reload(begun);
        if let Err(error) = &result {
            tracing::error!(%error, "the settings stay as they were");
        }
        self.operation.reloads.note(result);
    }

    fn try_reload(&self, begun: Instant) -> Result<Vec<String>, String> {
        let loaded = Settings::load_described(self.options.clone());
        let (settings, described) = loaded.map_err(|error| error.to_string())?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (first, last) = &mut *known;
        let changes = described.changes_since(last);
        for change in changes.iter().filter(|change| change.effect == Effect::Live) {
            say(change);
        }
        (self.apply)(&settings);
        self.operation.live.change(&settings);
        let is_waiting = |change: &Change| change.effect == Effect::Restart;
        let since_start = described.changes_since(first).into_iter().filter(is_waiting);
        let waiting: Vec<String> = since_start.map(|change| change.setting.key).collect();
        if !waiting.is_empty() {
            tracing::warn!("needs a restart: {}", waiting.join(", "));
        }
        *last = described;
        let changed = changes.len() as u64;
        tracing::info!(changed, milliseconds = milliseconds(begun.elapsed()), "settings loaded");
        Ok(waiting)
    }
}

fn say(change: &Change) {
    let Change { setting, former, .. } = change;
    tracing::info!(
        setting = setting.key,
        former,
        value = setting.value,
        origin = setting.origin,
        "a setting was changed"
    );
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
