//! The keys of codes as the control sequence has them at present, unwrapped once for all threads.
//!
//! It must never know who asks, or for what.

use std::sync::{Arc, Mutex, PoisonError};

use redeemd_domain::control::{Control, SecretName};

use super::keys::{Keys, KeysError};
use super::wrapping::Wrapper;

/// Holds the server's secret and the keys that it opened last.
#[derive(Debug)]
pub struct Vault {
    wrapper: Wrapper,
    opened: Mutex<Option<(Vec<SecretName>, Arc<Keys>)>>,
}

impl Vault {
    /// A vault that has opened nothing yet.
    pub fn new(wrapper: Wrapper) -> Self {
        Self { wrapper, opened: Mutex::new(None) }
    }

    /// What wraps new keys.
    pub fn wrapper(&self) -> &Wrapper {
        &self.wrapper
    }

    /// The keys that a state of the control sequence has. Cheap where nothing was added since the
    /// last call: secrets are added and taken away, never changed.
    ///
    /// # Errors
    /// When one of them does not open; see [`Keys::unwrap`].
    pub fn keys(&self, control: &Control) -> Result<Arc<Keys>, KeysError> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let names = control.secrets().map(|secret| secret.name);
        if let Some((known, keys)) = opened.as_ref()
            && names.clone().eq(known.iter().copied())
        {
            return Ok(Arc::clone(keys));
        }
        let keys = Arc::new(Keys::unwrap(&self.wrapper, control.secrets())?);
        *opened = Some((names.collect(), Arc::clone(&keys)));
        Ok(keys)
    }
}
