//! Identifiers as clients see them: a prefix and Crockford's base32 in lower case, so that they
//! sort by time and survive being read aloud.
//!
//! An identifier is not a secret. It carries what finds the thing again without an index: a
//! redemption's holds its slot and its number within the shard's sequence.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::codes::CampaignNumber;
use crate::sequence::{Position, SequenceId};
use crate::slot::Slot;
use crate::timestamp::Timestamp;

const SYMBOLS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const TIME_BITS: u32 = 48;
const SLOT_BITS: u32 = 10;
const ENTRY_BITS: u32 = 52;
const NUMBER_BITS: u32 = 32;
const SEQUENCE_BITS: u32 = 15;

/// The largest entry number that an identifier can carry: 52 bits.
pub const MAX_ENTRY_NUMBER: u64 = (1 << ENTRY_BITS) - 1;

/// A redemption: `red_` and 22 symbols (time 48 bits, slot 10, entry number 52).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RedemptionId {
    /// When the redemption's entry was stamped.
    pub at: Timestamp,
    /// The slot of the redeemed code; it tells the shard.
    pub slot: Slot,
    /// The number of the redemption's entry in the shard's sequence.
    pub number: u64,
}

impl RedemptionId {
    /// Reads what [`fmt::Display`] wrote; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (at, slot, number) = parse_placed(text, "red_")?;
        Some(Self { at, slot, number })
    }
}

impl fmt::Display for RedemptionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_placed(formatter, "red_", self.at, self.slot, self.number)
    }
}

/// A hold: `hold_` and 22 symbols (time 48 bits, slot 10, entry number 52).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HoldId {
    /// When the entry that placed it was stamped.
    pub at: Timestamp,
    /// The slot of the held code; it tells the shard.
    pub slot: Slot,
    /// The number of the entry that placed it, in the shard's sequence.
    pub number: u64,
}

impl HoldId {
    /// Reads what [`fmt::Display`] wrote; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (at, slot, number) = parse_placed(text, "hold_")?;
        Some(Self { at, slot, number })
    }
}

impl fmt::Display for HoldId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_placed(formatter, "hold_", self.at, self.slot, self.number)
    }
}

/// An event: `evt_` and 23 symbols (time 48 bits, sequence 15, entry number 52). One entry makes at
/// most one event, so its place tells which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// When the entry was stamped.
    pub at: Timestamp,
    /// The entry.
    pub position: Position,
}

impl EventId {
    /// Reads what [`fmt::Display`] wrote; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let bits = parse(text.strip_prefix("evt_")?, TIME_BITS + SEQUENCE_BITS + ENTRY_BITS)?;
        let sequence = u16::try_from((bits >> ENTRY_BITS) & ((1 << SEQUENCE_BITS) - 1)).ok()?;
        let number = u64::try_from(bits & u128::from(MAX_ENTRY_NUMBER)).ok()?;
        let position = Position { sequence: SequenceId(sequence), number };
        Some(Self { at: time_of(bits, SEQUENCE_BITS + ENTRY_BITS), position })
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { sequence, number } = self.position;
        let bits = (u128::from(self.at.0) << (SEQUENCE_BITS + ENTRY_BITS))
            | (u128::from(sequence.0) << ENTRY_BITS)
            | u128::from(number & MAX_ENTRY_NUMBER);
        write(formatter, "evt_", bits, TIME_BITS + SEQUENCE_BITS + ENTRY_BITS)
    }
}

/// A campaign: `camp_` and 16 symbols (time of creation 48 bits, campaign number 32).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CampaignId {
    /// When the campaign was made.
    pub at: Timestamp,
    /// Its number, which sealed codes carry.
    pub number: CampaignNumber,
}

impl CampaignId {
    /// Reads what [`fmt::Display`] wrote; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (at, number) = parse_numbered(text, "camp_")?;
        Some(Self { at, number: CampaignNumber(number) })
    }
}

impl fmt::Display for CampaignId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_numbered(formatter, "camp_", self.at, self.number.0)
    }
}

/// An API key, by the number under which entries name it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct ApiKeyNumber(pub u32);

/// An API key: `key_` and 16 symbols (time of creation 48 bits, key number 32).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ApiKeyId {
    /// When the key was made.
    pub at: Timestamp,
    /// The number under which entries name it.
    pub number: ApiKeyNumber,
}

impl ApiKeyId {
    /// Reads what [`fmt::Display`] wrote; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (at, number) = parse_numbered(text, "key_")?;
        Some(Self { at, number: ApiKeyNumber(number) })
    }
}

impl fmt::Display for ApiKeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_numbered(formatter, "key_", self.at, self.number.0)
    }
}

fn parse_placed(text: &str, prefix: &str) -> Option<(Timestamp, Slot, u64)> {
    let bits = parse(text.strip_prefix(prefix)?, TIME_BITS + SLOT_BITS + ENTRY_BITS)?;
    let slot = u16::try_from((bits >> ENTRY_BITS) & ((1 << SLOT_BITS) - 1)).ok()?;
    let number = u64::try_from(bits & u128::from(MAX_ENTRY_NUMBER)).ok()?;
    Some((time_of(bits, SLOT_BITS + ENTRY_BITS), Slot::new(slot)?, number))
}

fn write_placed(
    formatter: &mut fmt::Formatter<'_>,
    prefix: &str,
    at: Timestamp,
    slot: Slot,
    number: u64,
) -> fmt::Result {
    let bits = (u128::from(at.0) << (SLOT_BITS + ENTRY_BITS))
        | (u128::from(slot.number()) << ENTRY_BITS)
        | u128::from(number & MAX_ENTRY_NUMBER);
    write(formatter, prefix, bits, TIME_BITS + SLOT_BITS + ENTRY_BITS)
}

fn parse_numbered(text: &str, prefix: &str) -> Option<(Timestamp, u32)> {
    let bits = parse(text.strip_prefix(prefix)?, TIME_BITS + NUMBER_BITS)?;
    let number = u32::try_from(bits & u128::from(u32::MAX)).ok()?;
    Some((time_of(bits, NUMBER_BITS), number))
}

fn write_numbered(
    formatter: &mut fmt::Formatter<'_>,
    prefix: &str,
    at: Timestamp,
    number: u32,
) -> fmt::Result {
    let bits = (u128::from(at.0) << NUMBER_BITS) | u128::from(number);
    write(formatter, prefix, bits, TIME_BITS + NUMBER_BITS)
}

fn time_of(bits: u128, bits_after: u32) -> Timestamp {
    Timestamp(u64::try_from(bits >> bits_after).unwrap_or(Timestamp::MAX.0))
}

fn write(formatter: &mut fmt::Formatter<'_>, prefix: &str, bits: u128, width: u32) -> fmt::Result {
    let mut text = [0u8; 32];
    let symbols = (width / 5) as usize;
    for (place, symbol) in text.iter_mut().take(symbols).enumerate() {
        let shift = width - 5 * (place as u32 + 1);
        *symbol = SYMBOLS[((bits >> shift) & 31) as usize];
    }
    formatter.write_str(prefix)?;
    formatter.write_str(std::str::from_utf8(&text[..symbols]).map_err(|_| fmt::Error)?)
}

/// Reads exactly `width / 5` symbols. Strict: identifiers are copied, not typed.
fn parse(text: &str, width: u32) -> Option<u128> {
    if text.len() != (width / 5) as usize {
        return None;
    }
    text.bytes().try_fold(0u128, |bits, byte| {
        let value = SYMBOLS.iter().position(|&symbol| symbol == byte)?;
        Some((bits << 5) | value as u128)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_redemption_id_reads_back(at in 0..=Timestamp::MAX.0, slot in 0..1024u16, number in 0..=MAX_ENTRY_NUMBER) {
            let id = RedemptionId { at: Timestamp(at), slot: Slot::new(slot).unwrap(), number };
            let text = id.to_string();
            prop_assert_eq!(text.len(), 26);
            prop_assert_eq!(RedemptionId::parse(&text), Some(id));
            let hold = HoldId { at: id.at, slot: id.slot, number };
            prop_assert_eq!(HoldId::parse(&hold.to_string()), Some(hold));
            prop_assert_eq!((HoldId::parse(&text), RedemptionId::parse(&hold.to_string())), (None, None));
        }

        #[test]
        fn an_event_id_reads_back(at in 0..=Timestamp::MAX.0, sequence in 0..=1024u16, number in 0..=MAX_ENTRY_NUMBER) {
            let position = Position { sequence: SequenceId(sequence), number };
            let id = EventId { at: Timestamp(at), position };
            let text = id.to_string();
            prop_assert_eq!(text.len(), 27);
            prop_assert_eq!(EventId::parse(&text), Some(id));
        }

        #[test]
        fn identifiers_sort_by_time(at in 0..Timestamp::MAX.0, numbers in any::<(u32, u32)>()) {
            let earlier = CampaignId { at: Timestamp(at), number: CampaignNumber(numbers.0) };
            let later = CampaignId { at: Timestamp(at + 1), number: CampaignNumber(numbers.1) };
            prop_assert!(earlier.to_string() < later.to_string());
            prop_assert_eq!(CampaignId::parse(&later.to_string()), Some(later));
        }

        #[test]
        fn any_text_is_read_or_refused_but_never_panics(text in ".{0,40}") {
            let _ = (RedemptionId::parse(&text), CampaignId::parse(&text), ApiKeyId::parse(&text));
            let _ = EventId::parse(&text);
        }
    }

    #[test]
    fn a_time_past_the_largest_does_not_read() {
        assert_eq!(RedemptionId::parse("red_zzzzzzzzzzzzzzzzzzzzzzz"), None);
        assert_eq!(CampaignId::parse("red_0000000000000000"), None);
    }
}
