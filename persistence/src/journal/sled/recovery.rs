//! Reads the blocks of a sled database and decides what ends the journal: a torn tail, or damage.

use std::path::Path;

use super::super::block::{Builder, HEADER_BYTES, Header, HeaderError, VERSION};
use super::super::chain::Chains;
use super::super::error::{Damage, Error, Place};
use super::super::open::{RecoveryReport, TornTail};
use super::super::requirement::Requirement;
use super::super::spans::Spans;
use super::super::store::Opened;
use super::super::verifier::{Verifier, first_damaged_frame};
use super::database::Database;
use super::key::Kind;
use super::{FOLDER, SledStore};

/// Opens the journal, and cuts off its torn tail if it has one.
pub(crate) fn open(
    folder: &Path,
    cache_bytes: u64,
    verifier: &mut Verifier<'_, '_>,
    requirements: &[Requirement],
) -> Result<Opened, Error> {
    let database = Database::open(folder, cache_bytes)?;
    let anchor = newest_anchor(&database, verifier)?;
    let mut spans = Spans::default();
    let torn_tail = match anchor {
        Some(first) => {
            let mut note = |number, bytes: &[u8], before: &Chains| {
                SledStore::note(&mut spans, number, bytes.len() as u64, before);
                Ok(())
            };
            read(&database, verifier, first..u64::MAX, &mut note)?
        }
        None => refuse_headless(&database, verifier).map(|()| None)?,
    };
    verifier.check_end(requirements)?;

    let next_block = verifier.next_block();
    match anchor {
        Some(first) => {
            database.remove_before(Kind::Block, first)?;
            database.remove_before(Kind::Anchor, first)?;
        }
        None => {
            let mut builder = Builder::default();
            let anchor = builder.anchor(verifier.chains(), next_block);
            database.put(Kind::Anchor, anchor.number, anchor.bytes())?;
        }
    }
    if torn_tail.is_some() {
        database.remove_from(Kind::Block, next_block)?;
    }
    database.make_durable()?;
    let report = RecoveryReport::of(verifier, torn_tail);
    let chains = verifier.chains().clone();
    let beginning = verifier.beginning().clone();
    let store = Box::new(SledStore { database, spans, next_block, beginning });
    Ok(Opened { store, chains, next_block, report })
}

fn place(block: u64) -> Place {
    Place { file: FOLDER.to_owned(), offset: 0, block }
}

/// Gives the highest intact anchor to the verifier and returns its number. One that is not intact
/// was being written when the power was cut; nothing was deleted for its sake.
pub(super) fn newest_anchor(
    database: &Database,
    verifier: &mut Verifier<'_, '_>,
) -> Result<Option<u64>, Error> {
    let mut newest = None;
    database.scan(Kind::Anchor, 0..u64::MAX, &mut |number, bytes| {
        let Some(bytes) = bytes else {
            return Ok(true);
        };
        match Header::decode(bytes) {
            Ok(header) => {
                let body = bytes.get(HEADER_BYTES..).unwrap_or_default();
                if header.fits(body) && header.number == number {
                    newest = Some((header, body.to_vec()));
                }
            }
            Err(HeaderError::Unreadable) => {}
            Err(HeaderError::Newer { version: found }) => {
                let place = place(number);
                return Err(Error::NewerFormat { place, found, supported: VERSION });
            }
        }
        Ok(true)
    })?;
    let Some((header, body)) = newest else {
        return Ok(None);
    };
    verifier.block(&place(header.number), &header, &body)?;
    Ok(Some(header.number))
}

/// Blocks without an anchor cannot be: the anchor is durable before the first of them.
pub(super) fn refuse_headless(
    database: &Database,
    verifier: &Verifier<'_, '_>,
) -> Result<(), Error> {
    match database.highest(Kind::Block)? {
        None => Ok(()),
        Some(_) => {
            let place = place(verifier.next_block());
            Err(Error::Damaged { place, damage: Damage::Anchor })
        }
    }
}

/// What is told of every block that the verifier has taken in: its number, its bytes, and the
/// chains before it.
pub(super) type Note<'a> = dyn FnMut(u64, &[u8], &Chains) -> Result<(), Error> + 'a;

/// Gives the blocks to the verifier, and tells `note` of each.
pub(super) fn read(
    database: &Database,
    verifier: &mut Verifier<'_, '_>,
    numbers: std::ops::Range<u64>,
    note: &mut Note<'_>,
) -> Result<Option<TornTail>, Error> {
    let highest = database.highest(Kind::Block)?.unwrap_or(0);
    let mut torn_tail = None;
    database.scan(Kind::Block, numbers, &mut |number, bytes| {
        let expected = verifier.next_block();
        let place = place(expected);
        if number != expected {
            let damage = Damage::MissingBlock { later: number };
            return Err(Error::Damaged { place, damage });
        }
        let before = verifier.chains().clone();
        let Some(damage) = take(verifier, &place, bytes, highest)? else {
            note(number, bytes.unwrap_or_default(), &before)?;
            return Ok(true);
        };
        if highest > number {
            return Err(Error::Damaged { place, damage });
        }
        let dropped_bytes = bytes.map_or(0, |bytes| bytes.len() as u64);
        torn_tail = Some(TornTail { place, dropped_bytes });
        Ok(false)
    })?;
    Ok(torn_tail)
}

/// Gives one block to the verifier. What is returned is damage that may be a torn tail.
fn take(
    verifier: &mut Verifier<'_, '_>,
    place: &Place,
    bytes: Option<&[u8]>,
    highest: u64,
) -> Result<Option<Damage>, Error> {
    let Some(bytes) = bytes else {
        return Ok(Some(Damage::MissingBlock { later: highest }));
    };
    let header = match Header::decode(bytes) {
        Ok(header) => header,
        Err(HeaderError::Unreadable) => {
            return Ok(Some(Damage::MissingBlock { later: highest }));
        }
        Err(HeaderError::Newer { version: found }) => {
            let place = place.clone();
            return Err(Error::NewerFormat { place, found, supported: VERSION });
        }
    };
    verifier.check_header(place, &header)?;
    let body = bytes.get(HEADER_BYTES..).unwrap_or_default();
    if !header.fits(body) {
        return Ok(Some(Damage::Checksum { frame: first_damaged_frame(body) }));
    }
    verifier.block(place, &header, body)?;
    Ok(None)
}
