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
    opened: Mutex<Opened>,
}

#[derive(Debug)]
struct Opened {
    names: Vec<SecretName>,
    keys: Arc<Keys>,
}

impl Vault {
    /// Opens the keys that a state of the control sequence has.
    ///
    /// # Errors
    /// When one of them does not open, which mostly means that the server was started with the
    /// secret of another directory; see [`Keys::unwrap`].
    pub fn open(wrapper: Wrapper, control: &Control) -> Result<Self, KeysError> {
        let keys = Arc::new(Keys::unwrap(&wrapper, control.secrets())?);
        let names = control.secrets().map(|secret| secret.name).collect();
        Ok(Self { wrapper, opened: Mutex::new(Opened { names, keys }) })
    }

    /// What wraps new keys.
    pub fn wrapper(&self) -> &Wrapper {
        &self.wrapper
    }

    /// The keys that a later state has. Cheap where nothing was added since the last call: secrets
    /// are added and taken away, never changed. Where a new one does not open, the former keys go
    /// on serving, and the log says so.
    pub fn keys(&self, control: &Control) -> Arc<Keys> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let names = || control.secrets().map(|secret| secret.name);
        if !names().eq(opened.names.iter().copied()) {
            opened.names = names().collect();
            match Keys::unwrap(&self.wrapper, control.secrets()) {
                Ok(keys) => opened.keys = Arc::new(keys),
                Err(error) => tracing::error!(%error, "a new key does not open"),
            }
        }
        Arc::clone(&opened.keys)
    }
}

#[cfg(test)]
mod tests {
    use redeemd_domain::control::Command;
    use redeemd_domain::entry::Entry;
    use redeemd_domain::machine::Machine as _;
    use redeemd_domain::timestamp::Timestamp;

    use super::*;
    use crate::secrets::{SECRET_BYTES, ServerSecret};

    fn wrapper(secret: u8) -> Wrapper {
        Wrapper::new(&ServerSecret::from_bytes([secret; SECRET_BYTES]), &[9; 16])
    }

    fn control_with(names: &[SecretName]) -> Control {
        let mut control = Control::new();
        for (number, &name) in (1..).zip(names) {
            let command = Command::AddSecret(wrapper(1).make(name).unwrap());
            control.apply(Entry { number, at: Timestamp(1), covered: 0, command });
        }
        control
    }

    #[test]
    fn the_first_keys_open_and_a_wrong_secret_is_told() {
        let control = control_with(&Keys::FIRST);
        let vault = Vault::open(wrapper(1), &control).unwrap();
        let keys = vault.keys(&control);
        assert_eq!((keys.ring.epochs().count(), keys.peppers.len()), (1, 1));
        assert!(Arc::ptr_eq(&keys, &vault.keys(&control)), "nothing is opened twice");
        let refused = Vault::open(wrapper(2), &control).unwrap_err().to_string();
        assert!(refused.contains("secret") && !refused.contains('\n'), "{refused}");
        assert!(matches!(Vault::open(wrapper(1), &Control::new()), Err(KeysError::NoHintKey)));
    }

    #[test]
    fn a_key_that_is_added_opens() {
        let vault = Vault::open(wrapper(1), &control_with(&Keys::FIRST)).unwrap();
        let second = SecretName { number: 2, ..Keys::FIRST[0] };
        let names: Vec<_> = Keys::FIRST.into_iter().chain([second]).collect();
        assert_eq!(vault.keys(&control_with(&names)).ring.epochs().count(), 2);
    }
}
