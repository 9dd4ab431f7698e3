//! The encoding of a slot: the states of its codes. Sections of a hundred thousand codes are copied,
//! not parsed; see `wire.rs`.

use std::collections::BTreeMap;

use super::wire::{Reader, put_count};
use crate::codes::{CampaignNumber, Digest};
use crate::shard::bitmap::Bitmap;
use crate::shard::digest_table::Cell as _;
use crate::shard::listed_table::{Listed, ListedTable};
use crate::shard::slot_state::{CodeState, SealedCodes, SlotState};

/// What a listed code takes.
const LISTED_BYTES: usize = 16 + 4;
/// What a state takes that does not fit into a bit.
const STATE_BYTES: usize = 8 + 4 + 1;

/// Appends what stands after the tag.
pub(super) fn encode_slot(slot: &SlotState, section: &mut Vec<u8>) {
    // Codes to which everything was undone again are as if nothing had ever happened.
    let touched = || slot.sealed.iter().filter(|(_, codes)| !codes.is_untouched());
    put_count(section, touched().count());
    for (campaign, codes) in touched() {
        section.extend_from_slice(&campaign.0.to_le_bytes());
        let words = codes.redeemed.canonical_words();
        put_count(section, words.len());
        words.iter().for_each(|word| section.extend_from_slice(&word.to_le_bytes()));
        put_count(section, codes.exceptions.len());
        for (index, state) in &codes.exceptions {
            section.extend_from_slice(&index.to_le_bytes());
            put_state(section, state);
        }
    }
    put_count(section, slot.listed.len());
    section.reserve(slot.listed.len() * LISTED_BYTES);
    for (digest, listed) in slot.listed.iter() {
        section.extend_from_slice(digest.as_bytes());
        section.extend_from_slice(&listed.to_bits().to_le_bytes());
    }
    put_count(section, slot.listed_exceptions.len());
    for (digest, state) in &slot.listed_exceptions {
        section.extend_from_slice(digest.as_bytes());
        put_state(section, state);
    }
}

fn put_state(section: &mut Vec<u8>, state: &CodeState) {
    section.extend_from_slice(&state.uses.to_le_bytes());
    section.extend_from_slice(&state.generation.to_le_bytes());
    section.push(u8::from(state.revoked));
}

fn read_state(reader: &mut Reader<'_>) -> Option<CodeState> {
    let (uses, generation) = (reader.u64()?, reader.u32()?);
    let revoked = match reader.u8()? {
        0 => false,
        1 => true,
        _ => return None,
    };
    Some(CodeState { uses, generation, revoked })
}

/// The slot of a section; `None` where it is not one that was written.
pub(super) fn read_slot(section: &[u8]) -> Option<SlotState> {
    let reader = &mut Reader::new(section);
    let mut slot = SlotState::default();
    for _ in 0..reader.count(12)? {
        let campaign = CampaignNumber(reader.u32()?);
        let words = reader.count(8)?;
        let words = reader.bytes(words * 8)?.as_chunks().0;
        let words = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
        let mut exceptions = BTreeMap::new();
        for _ in 0..reader.count(4 + STATE_BYTES)? {
            exceptions.insert(reader.u32()?, read_state(reader)?);
        }
        let codes = SealedCodes { redeemed: Bitmap::from_words(words), exceptions };
        if !codes.is_canonical() {
            return None;
        }
        slot.sealed.insert(campaign, codes);
    }
    let count = reader.count(LISTED_BYTES)?;
    let cells = reader.bytes(count * LISTED_BYTES)?.as_chunks::<LISTED_BYTES>().0;
    let mut occupied = true;
    let entries = cells.iter().map_while(|cell| {
        let (digest, bits) = cell.split_first_chunk::<16>()?;
        let listed = Listed::from_bits(u32::from_le_bytes(*bits.first_chunk()?));
        occupied &= listed.is_some();
        Some((Digest::from_bytes(*digest), listed?))
    });
    slot.listed = ListedTable::from_sorted(count, entries)?;
    if !occupied {
        return None;
    }
    for _ in 0..reader.count(16 + STATE_BYTES)? {
        let digest = Digest::from_bytes(reader.array()?);
        slot.listed_exceptions.insert(digest, read_state(reader)?);
    }
    let is_sound = slot.listed_exceptions_are_canonical() && reader.is_at_end();
    is_sound.then_some(slot)
}
