//! Where an object stands in a body.

use std::fmt;

use redeemd_domain::codes::SealedBlock;

/// Where an object stands in the body, as a JSON pointer that is written only when it is needed.
#[derive(Debug)]
pub(super) enum Prefix {
    /// It is the body.
    Body,
    /// It is at this pointer.
    Object(String),
    /// It is at this place of a list.
    Item(&'static str, u32),
}

impl Prefix {
    /// A JSON pointer (RFC 6901) to a field of the object. Names are the client's, so their length
    /// is bounded, and a code that stands where a name belongs is not repeated.
    pub(super) fn pointer_to(&self, name: &str) -> String {
        const LONGEST: usize = 64;
        if SealedBlock::parse(name).is_ok() {
            return format!("{self}/…");
        }
        let shown: String = name.chars().take(LONGEST).collect();
        format!("{self}/{}", shown.replace('~', "~0").replace('/', "~1"))
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body => Ok(()),
            Self::Object(pointer) => formatter.write_str(pointer),
            Self::Item(list, place) => write!(formatter, "/{list}/{place}"),
        }
    }
}
