//! The key under which the state machine, the journal and the ledger know a code. It must never
//! know the text of a code, nor any secret.

use std::ops::Deref;

use serde::{Deserialize, Serialize};

use super::{CampaignNumber, Digest, Serial};
use crate::slot::Slot;

/// What identifies a code, once its text was read.
///
/// Two texts are the same code exactly when their keys are equal. Keys are ordered as their
/// canonical bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CodeKey {
    /// A sealed code, which carried its identity itself.
    Sealed {
        /// The campaign that the code belongs to.
        campaign: CampaignNumber,
        /// The code's number within the campaign.
        serial: Serial,
    },
    /// A listed code, which is found by its keyed digest.
    Listed(Digest),
}

/// The first canonical byte of a sealed code's key.
const SEALED_KIND: u8 = 0;

/// The first canonical byte of a listed code's key.
const LISTED_KIND: u8 = 1;

/// How many canonical bytes a sealed code's key has: kind, campaign number, serial.
const SEALED_LENGTH: usize = 1 + 4 + 5;

/// How many canonical bytes a listed code's key has: kind, digest.
const LISTED_LENGTH: usize = 1 + 16;

impl CodeKey {
    /// The slot that the code belongs to for ever.
    pub const fn slot(&self) -> Slot {
        match self {
            Self::Sealed { campaign, serial } => serial.slot(*campaign),
            Self::Listed(digest) => digest.slot(),
        }
    }

    /// The one byte form of this key that never changes, for indexes and for [`super::HintKey`].
    ///
    /// Sealed: `00`, campaign number (4 bytes), serial (5 bytes). Listed: `01`, digest (16 bytes).
    /// All numbers are big-endian, so that bytes sort as keys do.
    pub fn canonical(&self) -> CanonicalKey {
        let mut bytes = [0; LISTED_LENGTH];
        let length = match self {
            Self::Sealed { campaign, serial } => {
                let [_, _, _, serial @ ..] = serial.number().to_be_bytes();
                bytes[0] = SEALED_KIND;
                bytes[1..5].copy_from_slice(&campaign.0.to_be_bytes());
                bytes[5..SEALED_LENGTH].copy_from_slice(&serial);
                SEALED_LENGTH
            }
            Self::Listed(digest) => {
                bytes[0] = LISTED_KIND;
                bytes[1..].copy_from_slice(digest.as_bytes());
                LISTED_LENGTH
            }
        };
        CanonicalKey { bytes, length: length as u8 }
    }

    /// The key with these canonical bytes, or `None` when no key has them.
    pub fn from_canonical(bytes: &[u8]) -> Option<Self> {
        match bytes.split_first()? {
            (&SEALED_KIND, rest) => {
                let (campaign, serial) = rest.split_first_chunk::<4>()?;
                let &[a, b, c, d, e] = <&[u8; 5]>::try_from(serial).ok()?;
                Some(Self::Sealed {
                    campaign: CampaignNumber(u32::from_be_bytes(*campaign)),
                    serial: Serial::new(u64::from_be_bytes([0, 0, 0, a, b, c, d, e]))?,
                })
            }
            (&LISTED_KIND, rest) => Some(Self::Listed(Digest::from_bytes(rest.try_into().ok()?))),
            _ => None,
        }
    }
}

/// The canonical bytes of a [`CodeKey`], on the stack: 10 of them for a sealed code, 17 for a
/// listed one.
#[derive(Clone, Copy, Debug)]
pub struct CanonicalKey {
    bytes: [u8; LISTED_LENGTH],
    length: u8,
}

impl Deref for CanonicalKey {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

impl AsRef<[u8]> for CanonicalKey {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Any key.
    pub(crate) fn any_key() -> impl Strategy<Value = CodeKey> {
        prop_oneof![
            (any::<u32>(), 0..Serial::COUNT).prop_map(|(campaign, serial)| CodeKey::Sealed {
                campaign: CampaignNumber(campaign),
                serial: Serial::new(serial).unwrap(),
            }),
            any::<[u8; 16]>().prop_map(|bytes| CodeKey::Listed(Digest::from_bytes(bytes))),
        ]
    }

    #[test]
    fn the_stored_form_is_compact() {
        let sealed = CodeKey::Sealed {
            campaign: CampaignNumber(9),
            serial: Serial::new(1_000_000).unwrap(),
        };
        assert_eq!(postcard::to_stdvec(&sealed).unwrap(), [0, 9, 0xC0, 0x84, 0x3D]);
        let listed = CodeKey::Listed(Digest::from_bytes([7; 16]));
        assert_eq!(postcard::to_stdvec(&listed).unwrap().len(), 17);
    }

    #[test]
    fn canonical_bytes_of_no_key_are_refused() {
        for bytes in [&[][..], &[0], &[0; 9], &[0; 11], &[1; 16], &[1; 18], &[2; 17]] {
            assert_eq!(CodeKey::from_canonical(bytes), None, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn both_forms_give_the_key_back(key in any_key()) {
            prop_assert_eq!(CodeKey::from_canonical(&key.canonical()), Some(key));
            let stored = postcard::to_stdvec(&key).unwrap();
            prop_assert_eq!(postcard::from_bytes::<CodeKey>(&stored).unwrap(), key);
        }

        #[test]
        fn canonical_bytes_sort_as_keys_do(one in any_key(), other in any_key()) {
            prop_assert_eq!(one.canonical().cmp(&other.canonical()), one.cmp(&other));
        }
    }
}
