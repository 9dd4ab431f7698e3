//! Codes: what a person types in, and the keys under which the state machine knows them.
//!
//! A *sealed* code carries its own identity, enciphered; a *listed* code is any text, known by
//! its keyed digest. Listed codes are brought in, or drawn by a *pattern*. The format, with test vectors, is in `docs/CODES.md`. Nothing here knows
//! which codes were issued or redeemed, and no key is made or stored here: keys are handed in.

mod campaign_number;
mod checksum;
mod crockford;
mod digest;
mod ff1;
mod hint;
mod key;
mod key_ring;
mod keyed_hash;
mod listed;
mod pattern;
mod pattern_key;
mod sealed_block;
mod sealed_text;
mod sealing_key;
mod separator;
mod serial;
#[cfg(test)]
mod tests;

pub use campaign_number::CampaignNumber;
pub use digest::Digest;
pub use hint::{Hint, HintKey, Hints};
pub use key::{CanonicalKey, CodeKey};
pub use key_ring::{KeyEpoch, KeyRing, KeyRingError, Opened};
pub use listed::{NormalisedCode, Pepper, UnusableText};
pub use pattern::{Pattern, UnusablePattern};
pub use pattern_key::{PatternCodes, PatternKey};
pub use sealed_block::{SealedBlock, Unreadable};
pub use sealed_text::SealedText;
pub use sealing_key::SealingKey;
pub use serial::{Serial, SerialOutOfRange};
