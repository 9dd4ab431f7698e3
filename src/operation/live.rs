//! The settings that may change while the server runs, for those who look at them at every request
//! or whenever they are needed.

use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use redeemd_config::{LogRequests, Settings};

use crate::limits::Rule;

/// The settings in force. Those that every request reads are kept apart, so that reading them takes
/// no lock.
#[derive(Debug)]
pub struct Live {
    body_limit_bytes: AtomicUsize,
    max_in_flight: AtomicUsize,
    requests: AtomicU8,
    /// The rate in the upper half and the burst in the lower one, so that the two change together;
    /// 0 where nothing is limited.
    public_limit: AtomicU64,
    settings: RwLock<Arc<Settings>>,
}

impl Live {
    /// These, until they are changed.
    pub fn new(settings: &Settings) -> Self {
        let live = Self {
            body_limit_bytes: AtomicUsize::new(0),
            max_in_flight: AtomicUsize::new(0),
            requests: AtomicU8::new(0),
            public_limit: AtomicU64::new(0),
            settings: RwLock::new(Arc::new(settings.clone())),
        };
        live.change(settings);
        live
    }

    /// Puts other settings into force. Who reads only live ones sees nothing of the rest.
    pub fn change(&self, settings: &Settings) {
        self.body_limit_bytes.store(settings.http.body_limit_bytes, Ordering::Relaxed);
        self.max_in_flight.store(settings.http.max_in_flight, Ordering::Relaxed);
        let requests = match settings.log.requests {
            LogRequests::None => 0,
            LogRequests::Errors => 1,
            LogRequests::All => 2,
        };
        self.requests.store(requests, Ordering::Relaxed);
        let limits = &settings.limits;
        let public = match limits.enabled {
            true => {
                u64::from(limits.public_requests_per_second) << 32 | u64::from(limits.public_burst)
            }
            false => 0,
        };
        self.public_limit.store(public, Ordering::Relaxed);
        let mut known = self.settings.write().unwrap_or_else(PoisonError::into_inner);
        *known = Arc::new(settings.clone());
    }

    /// All of them. Of those that need a restart, what is here may not be in force.
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The largest body of a request, in bytes.
    pub fn body_limit_bytes(&self) -> usize {
        self.body_limit_bytes.load(Ordering::Relaxed)
    }

    /// The requests that each thread takes on at a time.
    pub fn max_in_flight(&self) -> usize {
        self.max_in_flight.load(Ordering::Relaxed)
    }

    /// How often a public API key may be used from one address; `None` where that is not limited.
    pub fn public_limit(&self) -> Option<Rule> {
        let limit = self.public_limit.load(Ordering::Relaxed);
        (limit != 0).then_some(Rule { per_second: (limit >> 32) as u32, burst: limit as u32 })
    }

    /// Which requests get a line of their own in the log.
    pub fn log_requests(&self) -> LogRequests {
        match self.requests.load(Ordering::Relaxed) {
            0 => LogRequests::None,
            1 => LogRequests::Errors,
            _ => LogRequests::All,
        }
    }
}
