//! Whether a field is there, and with what.

/// A field that may be missing, or null, or have a value. Null clears where that has a meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::http) enum Presence<T> {
    /// It is not there.
    Absent,
    /// It is null.
    Null,
    /// It has a value.
    Given(T),
}

impl<T> Presence<T> {
    /// The value, if there is one.
    pub(in crate::http) fn given(self) -> Option<T> {
        match self {
            Self::Given(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// What a change makes of a field: nothing, clearing it, or another value.
    pub(in crate::http) fn change(self) -> Option<Option<T>> {
        match self {
            Self::Absent => None,
            Self::Null => Some(None),
            Self::Given(value) => Some(Some(value)),
        }
    }
}
