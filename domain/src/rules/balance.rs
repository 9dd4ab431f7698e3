//! Money on codes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The largest balance of a code, in minor units: what every JSON number can say exactly.
pub const MAX_BALANCE: u64 = (1 << 53) - 1;

/// What each code of a campaign is worth before it is first spent from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// The currency.
    pub currency: Currency,
    /// How much, in the currency's minor units, from 1 to [`MAX_BALANCE`].
    pub minor_units: u64,
}

/// A currency by its three letters, as ISO 4217 has them. Whether there is such a currency, and how
/// many decimals it has, is not the server's business: it only adds and subtracts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The currency with these three capital letters; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let letters: [u8; 3] = text.as_bytes().try_into().ok()?;
        Some(Self(letters)).filter(|currency| currency.is_valid())
    }

    /// Whether it has capital letters only. What was parsed always has.
    pub(super) fn is_valid(&self) -> bool {
        self.0.iter().all(u8::is_ascii_uppercase)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(std::str::from_utf8(&self.0).unwrap_or("???"))
    }
}
