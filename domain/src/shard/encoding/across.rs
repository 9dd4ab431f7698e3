//! The encoding of what a shard keeps for limits that span codes: sections after those of the rules,
//! and one after a slot's that counts users.

use std::collections::BTreeMap;

use super::put_postcard;
use super::wire::{Reader, put_count};
use crate::codes::CampaignNumber;
use crate::delivery::Window;
use crate::shard::Shard;
use crate::shard::attempts::{Attempts, Fate};
use crate::shard::digest_table::Cell as _;
use crate::shard::owed::{Owed, OwedUse};
use crate::shard::pending::PendingClaim;
use crate::shard::shares::ShareBook;
use crate::shard::slot_state::SlotState;
use crate::shard::users::{UserDigest, Users, Uses};
use crate::timestamp::Timestamp;

/// The counters of users, after the section of their slot.
pub(super) const USERS: u8 = 8;
/// What was lent to the shard of a campaign's total.
const BOOK: u8 = 9;
/// Claims that are pending.
const CLAIMS: u8 = 10;
/// The fates of attempts whose claims one shard made.
const ATTEMPTS: u8 = 11;
/// Uses that are owed to users.
const OWED: u8 = 12;
/// What one shard has given back.
const RECEIVED: u8 = 13;

/// How many claims, fates or uses stand in one section.
const PER_SECTION: usize = 4096;

/// What a user's counter takes.
const USER_BYTES: usize = 16 + 8;

impl Shard {
    pub(super) fn encode_across<E>(
        &self,
        write: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        for known in self.campaigns.values() {
            if let Some(book) = known.book {
                write_section(BOOK, &(known.view.number, book), write)?;
            }
        }
        let claims: Vec<PendingClaim> = self.claims.iter().copied().collect();
        for claims in claims.chunks(PER_SECTION) {
            write_section(CLAIMS, &claims, write)?;
        }
        for (shard, window) in self.attempts.windows() {
            write_window(ATTEMPTS, shard, window, write)?;
        }
        if self.owed.last > 0 {
            let owed: Vec<(u16, OwedUse)> =
                self.owed.uses.iter().map(|(&(shard, _), &owed)| (shard, owed)).collect();
            // At least one section, since the last number has to be kept.
            let chunks = owed.chunks(PER_SECTION).chain(owed.is_empty().then_some(&[][..]));
            for owed in chunks {
                write_section(OWED, &(self.owed.last, owed), write)?;
            }
        }
        for (&shard, window) in &self.owed.received {
            write_window(RECEIVED, shard, window, write)?;
        }
        Ok(())
    }
}

fn write_section<T: serde::Serialize, E>(
    kind: u8,
    value: &T,
    write: &mut impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut section = vec![kind];
    put_postcard(&mut section, value);
    write(&section)
}

/// A window in as many sections as it takes, at least one.
fn write_window<T: Copy + serde::Serialize, E>(
    kind: u8,
    shard: u16,
    window: &Window<T>,
    write: &mut impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let above: Vec<(u64, T)> = window.above().collect();
    for above in above.chunks(PER_SECTION).chain(above.is_empty().then_some(&[][..])) {
        write_section(kind, &(shard, window.below(), above), write)?;
    }
    Ok(())
}

/// The section of a slot's users, over what is in the buffer; whether there are any.
pub(super) fn encode_users(slot: &SlotState, at: Timestamp, section: &mut Vec<u8>) -> bool {
    let count = slot.users.at(at).count();
    section.clear();
    section.push(USERS);
    put_count(section, count);
    section.reserve(count * USER_BYTES);
    for (user, uses) in slot.users.at(at) {
        section.extend_from_slice(&user.0);
        section.extend_from_slice(&uses.to_bits().to_le_bytes());
    }
    count > 0
}

/// The users of a slot; `None` where the section is not one that was written.
pub(super) fn read_users(bytes: &[u8]) -> Option<Users> {
    let mut reader = Reader::new(bytes);
    let count = reader.count(USER_BYTES)?;
    let cells = reader.bytes(count * USER_BYTES)?.as_chunks::<USER_BYTES>().0;
    let users = cells.iter().map_while(|cell| {
        let (digest, bits) = cell.split_first_chunk::<16>()?;
        let uses = Uses::from_bits(u64::from_le_bytes(*bits.first_chunk()?))?;
        Some((UserDigest(*digest), uses))
    });
    let users: Vec<_> = users.collect();
    let sound = users.len() == count && count > 0 && reader.is_at_end();
    Users::restore(count, users.into_iter()).filter(|_| sound)
}

/// What the sections say so far.
#[derive(Debug, Default)]
pub(super) struct Sections {
    pub(super) books: BTreeMap<CampaignNumber, ShareBook>,
    pub(super) claims: Vec<PendingClaim>,
    pub(super) attempts: Attempts,
    pub(super) owed: Owed,
}

impl Sections {
    /// Takes a section; `None` where it is not one that was written.
    pub(super) fn read(&mut self, kind: u8, bytes: &[u8]) -> Option<()> {
        match kind {
            BOOK => {
                let (number, book) = crate::decode(bytes)?;
                self.books.insert(number, book).is_none().then_some(())
            }
            CLAIMS => {
                let claims: Vec<PendingClaim> = crate::decode(bytes)?;
                self.claims.extend(claims);
                Some(())
            }
            ATTEMPTS => {
                let (shard, below, above): (u16, u64, Vec<(u64, Fate)>) = crate::decode(bytes)?;
                let former = self.attempts.windows().find(|(other, _)| *other == shard);
                let former = former.map(|(_, window)| window.clone());
                self.attempts.restore(shard, longer(former, below, above)?);
                Some(())
            }
            OWED => {
                let (last, uses): (u64, Vec<(u16, OwedUse)>) = crate::decode(bytes)?;
                self.owed.last = last;
                let places = uses.into_iter().map(|(shard, owed)| ((shard, owed.number), owed));
                self.owed.uses.extend(places);
                let numbers = self.owed.uses.keys().map(|&(_, number)| number);
                numbers.max().is_none_or(|newest| newest <= last).then_some(())
            }
            RECEIVED => {
                let (shard, below, above): (u16, u64, Vec<(u64, ())>) = crate::decode(bytes)?;
                let former = self.owed.received.remove(&shard);
                self.owed.received.insert(shard, longer(former, below, above)?);
                Some(())
            }
            _ => None,
        }
    }
}

/// A window with what one more section says of it.
fn longer<T: Copy>(
    former: Option<Window<T>>,
    below: u64,
    above: Vec<(u64, T)>,
) -> Option<Window<T>> {
    let sound = former.as_ref().is_none_or(|former| former.below() == below);
    let former: Vec<(u64, T)> = former.iter().flat_map(Window::above).collect();
    Window::restore(below, former.into_iter().chain(above)).filter(|_| sound)
}
