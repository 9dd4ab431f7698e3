//! The canonical encoding of a shard's state: what a snapshot stores and what a digest covers.
//!
//! A state is a run of *sections*, each small enough to be written and checked by itself: a head,
//! the remembered records, and one section for every slot. Equal states have equal sections,
//! whatever history led to them. A change of this format is a new [`FORMAT_VERSION`]; a fixture of
//! every version stays in the tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::balances::Balances;
use super::bitmap::Bitmap;
use super::command::Record;
use super::digest_table::Cell as _;
use super::holds::{Expiries, Holds};
use super::life::Life;
use super::listed_table::{Listed, ListedTable};
use super::slot_state::{CodeState, SealedCodes, SlotState};
use super::undone::Undone;
use super::wire::{Reader, put_count};
use super::{Campaign, Counts, Shard, across};
use crate::append::append;
use crate::campaign::CampaignView;
use crate::codes::{CampaignNumber, Digest};
use crate::machine::{Decode, DecodeError};
use crate::recent::Recent;
use crate::rules::Rules;
use crate::slot::ShardLayout;
use crate::timestamp::Timestamp;

/// The newest version of the encoding. A state is written in the oldest version that has room for
/// it: the second one has sections that the first one knew not, the rules and all that came later.
pub const FORMAT_VERSION: u8 = 2;

/// The oldest version that is read, and written where it suffices.
const OLDEST_VERSION: u8 = 1;

const HEAD: u8 = 1;
const RECORDS: u8 = 2;
const SLOT: u8 = 3;
/// The rules of campaigns that have some, after the head.
const RULES: u8 = 4;

/// The holds of a slot that has some, directly after the slot's section.
const SLOT_HOLDS: u8 = 5;
/// What is left of those of a slot's codes that were spent from or topped up.
const SLOT_BALANCES: u8 = 6;
/// What was rolled back of codes of a slot, beyond what their generations say.
const SLOT_UNDONE: u8 = 7;

/// How many records stand in one section.
const RECORDS_PER_SECTION: usize = 4096;

#[derive(Serialize, Deserialize)]
struct Head {
    shards: u16,
    shard: u16,
    last: u64,
    time: Timestamp,
    campaigns: Vec<(CampaignView, Counts)>,
    owners: Vec<CampaignNumber>,
    forgotten: u64,
    records: u64,
}

impl Shard {
    pub(super) fn encode_sections<E>(
        &self,
        mut write: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut section = Vec::new();
        self.encode_head(&mut section);
        write(&section)?;
        self.encode_rules(&mut write)?;
        self.encode_across(&mut write)?;
        let records: Vec<_> = self.recent.records().collect();
        for records in records.chunks(RECORDS_PER_SECTION) {
            section.clear();
            section.push(RECORDS);
            put_count(&mut section, records.len());
            records.iter().for_each(|record| put_postcard(&mut section, record.as_ref()));
            write(&section)?;
        }
        for slot in &self.slots {
            section.clear();
            encode_slot(slot, &mut section);
            write(&section)?;
            if let Some(life) = &slot.life {
                encode_life(life, &mut write)?;
            }
            if across::encode_users(slot, self.time, &mut section) {
                write(&section)?;
            }
        }
        Ok(())
    }

    /// One section for each campaign that has rules.
    fn encode_rules<E>(&self, write: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        for known in self.campaigns.values() {
            if let Some(rules) = &known.rules {
                let mut section = vec![RULES];
                put_postcard(&mut section, &(known.view.number, rules));
                write(&section)?;
            }
        }
        Ok(())
    }

    /// The oldest version that has room for the state.
    fn version(&self) -> u8 {
        let has_rules = self.campaigns.values().any(|known| known.rules.is_some());
        let has_life = self.slots.iter().filter_map(|slot| slot.life.as_ref()).any(|life| {
            !(life.holds.is_empty() && life.balances.is_empty() && life.undone.is_empty())
        });
        if has_rules || has_life { FORMAT_VERSION } else { OLDEST_VERSION }
    }

    fn encode_head(&self, section: &mut Vec<u8>) {
        section.extend_from_slice(&[HEAD, self.version()]);
        let head = Head {
            shards: self.layout.shards(),
            shard: self.shard,
            last: self.last,
            time: self.time,
            campaigns: self.campaigns.values().map(|known| (known.view, known.counts)).collect(),
            owners: self.owners.clone(),
            forgotten: self.recent.forgotten(),
            records: self.recent.records().len() as u64,
        };
        put_postcard(section, &head);
    }
}

/// A section for each of the things that some of a slot's codes have.
fn encode_life<E>(life: &Life, write: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    let Life { holds, balances, undone } = life;
    let mut put = |tag: u8, is_empty: bool, fill: &dyn Fn(&mut Vec<u8>)| {
        let mut section = vec![tag];
        fill(&mut section);
        if is_empty { Ok(()) } else { write(&section) }
    };
    put(SLOT_HOLDS, holds.is_empty(), &|section| {
        put_postcard(section, &holds.iter().collect::<Vec<_>>());
    })?;
    put(SLOT_BALANCES, balances.is_empty(), &|section| {
        put_postcard(section, &balances.iter().collect::<Vec<_>>());
    })?;
    put(SLOT_UNDONE, undone.is_empty(), &|section| {
        put_postcard(section, &undone.iter().collect::<Vec<_>>());
    })
}

pub(super) fn put_postcard<T: Serialize>(section: &mut Vec<u8>, value: &T) {
    // Writing plain data to memory has no way to fail; were it to, the section would not decode.
    let _ = append(value, section);
}

fn encode_slot(slot: &SlotState, section: &mut Vec<u8>) {
    section.push(SLOT);
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

const LISTED_BYTES: usize = 16 + 4;
const STATE_BYTES: usize = 8 + 4 + 1;

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

fn read_slot(reader: &mut Reader<'_>) -> Option<SlotState> {
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
    slot.listed_exceptions_are_canonical().then_some(slot)
}

/// Builds a shard from its sections.
#[derive(Debug)]
pub struct Decoder {
    layout: ShardLayout,
    shard: u16,
    sections: usize,
    head: Option<Head>,
    rules: BTreeMap<CampaignNumber, Arc<Rules>>,
    records: Vec<Record>,
    slots: Vec<Arc<SlotState>>,
    empty: Arc<SlotState>,
    across: across::Sections,
}

impl std::fmt::Debug for Head {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Head(shard {} of {}, {})", self.shard, self.shards, self.last)
    }
}

impl Decoder {
    /// Expects the sections of a shard.
    pub fn new(layout: ShardLayout, shard: u16) -> Self {
        Self {
            layout,
            shard,
            sections: 0,
            head: None,
            rules: BTreeMap::new(),
            records: Vec::new(),
            slots: Vec::with_capacity(layout.slots_per_shard().into()),
            empty: Arc::default(),
            across: across::Sections::default(),
        }
    }
}

impl Decode for Decoder {
    type Machine = Shard;

    fn section(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let malformed = DecodeError::Malformed(self.sections);
        self.sections += 1;
        match (bytes.split_first(), &self.head) {
            (Some((&HEAD, rest)), None) => self.read_head(rest),
            (Some((&RULES, rest)), Some(_)) => {
                let (number, rules) = crate::decode(rest).ok_or(malformed)?;
                self.rules.insert(number, rules);
                Ok(())
            }
            (Some((&RECORDS, rest)), Some(_)) => self.read_records(rest).ok_or(malformed),
            (Some((&SLOT, rest)), Some(_)) => {
                let mut reader = Reader::new(rest);
                let slot =
                    read_slot(&mut reader).filter(|_| reader.is_at_end()).ok_or(malformed)?;
                let is_empty = slot.sealed.is_empty() && slot.listed.len() == 0;
                let slot = if is_empty { Arc::clone(&self.empty) } else { Arc::new(slot) };
                self.slots.push(slot);
                Ok(())
            }
            (Some((&across::USERS, rest)), Some(_)) => {
                let slot = self.slots.last_mut().map(Arc::make_mut).ok_or(malformed)?;
                slot.users = across::read_users(rest)
                    .filter(|_| slot.users.is_empty())
                    .ok_or(DecodeError::Malformed(self.sections - 1))?;
                Ok(())
            }
            (Some((&tag @ (SLOT_HOLDS | SLOT_BALANCES | SLOT_UNDONE), rest)), Some(_)) => {
                self.read_life(tag, rest).ok_or(malformed)
            }
            (Some((&tag, rest)), Some(_)) => self.across.read(tag, rest).ok_or(malformed),
            _ => Err(malformed),
        }
    }

    fn finish(mut self) -> Result<Shard, DecodeError> {
        let incomplete = DecodeError::Incomplete(self.sections);
        let Some(head) = self.head else { return Err(incomplete) };
        let complete = self.slots.len() == usize::from(self.layout.slots_per_shard())
            && self.records.len() as u64 == head.records;
        if !complete {
            return Err(incomplete);
        }
        let campaigns = head.campaigns.into_iter();
        let recent = Recent::restore(head.forgotten, head.last, self.records)
            .ok_or(DecodeError::Malformed(0))?;
        let mut shard = Shard {
            layout: self.layout,
            shard: self.shard,
            last: head.last,
            time: head.time,
            campaigns: campaigns
                .map(|(view, counts)| {
                    let rules = self.rules.remove(&view.number);
                    let book = self.across.books.remove(&view.number);
                    (view.number, Campaign { view, rules, counts, book })
                })
                .collect(),
            owners: head.owners,
            slots: self.slots,
            expiries: Expiries::default(),
            recent,
            claims: across::claims(self.layout, self.across.claims),
            attempts: self.across.attempts,
            owed: self.across.owed,
        };
        shard.count_holds_again();
        Ok(shard)
    }
}

impl Decoder {
    /// Takes what the slot that was read last knows of its codes beyond their states.
    fn read_life(&mut self, tag: u8, bytes: &[u8]) -> Option<()> {
        let slot = Arc::make_mut(self.slots.last_mut()?);
        let Life { holds, balances, undone } = &mut **slot.life.get_or_insert_default();
        match tag {
            SLOT_HOLDS if holds.is_empty() => {
                *holds = Holds::restore(crate::decode(bytes)?).filter(|read| !read.is_empty())?;
            }
            SLOT_BALANCES if balances.is_empty() => {
                *balances =
                    Balances::restore(crate::decode(bytes)?).filter(|read| !read.is_empty())?;
            }
            SLOT_UNDONE if undone.is_empty() => {
                *undone = Undone::restore(crate::decode(bytes)?).filter(|read| !read.is_empty())?;
            }
            _ => return None,
        }
        Some(())
    }

    fn read_head(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let (&version, rest) = bytes.split_first().ok_or(DecodeError::Malformed(0))?;
        if !(OLDEST_VERSION..=FORMAT_VERSION).contains(&version) {
            return Err(DecodeError::Newer { found: version, known: FORMAT_VERSION });
        }
        let (head, after): (Head, &[u8]) =
            postcard::take_from_bytes(rest).map_err(|_| DecodeError::Malformed(0))?;
        if !after.is_empty() {
            return Err(DecodeError::Malformed(0));
        }
        if (head.shard, head.shards) != (self.shard, self.layout.shards()) {
            return Err(DecodeError::Other {
                found: format!("shard {} of {}", head.shard, head.shards),
                wanted: format!("shard {} of {}", self.shard, self.layout.shards()),
            });
        }
        self.head = Some(head);
        Ok(())
    }

    fn read_records(&mut self, bytes: &[u8]) -> Option<()> {
        let mut reader = Reader::new(bytes);
        let count = reader.count(1)?;
        let mut rest = bytes.get(4..)?;
        for _ in 0..count {
            let (record, after) = postcard::take_from_bytes(rest).ok()?;
            self.records.push(record);
            rest = after;
        }
        rest.is_empty().then_some(())
    }
}
