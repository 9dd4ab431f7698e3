//! Text that is never shown.

use std::fmt;

/// Text that may hold a password. Nothing shows it by itself: who needs it has to say so.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SecretText(String);

impl SecretText {
    /// Takes the text.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself, for whoever uses it. It belongs in no log and no error.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.is_empty() { "(not set)" } else { "(set, not shown)" })
    }
}
