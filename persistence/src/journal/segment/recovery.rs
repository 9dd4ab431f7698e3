//! Reads all segments and decides what ends the journal: a torn tail, or damage. Changes nothing.

use std::io;

use super::super::block::{HEADER_BYTES, Header};
use super::super::error::{Damage, Error, Place};
use super::super::requirement::Requirement;
use super::super::space::FOLDER;
use super::super::spans::{Span, Spans};
use super::super::store::Opened;
use super::super::verifier::Verifier;
use super::scan::{Ending, Note, Remains, Window, remains, scan_and_note};
use super::{Settings, name, tail};

/// What the segments hold.
#[derive(Debug)]
pub(super) struct Found {
    /// The segments that were begun.
    pub(super) spans: Spans,
    /// The last of them; `None` when the journal is empty.
    pub(super) tail: Option<TailSegment>,
    /// The segments that were not begun, in order: they were prepared, or that was interrupted.
    pub(super) not_begun: Vec<NotBegun>,
}

/// The segment in which the journal ends.
#[derive(Debug)]
pub(super) struct TailSegment {
    pub(super) index: u64,
    pub(super) length: u64,
    pub(super) ending: Ending,
    pub(super) remains: Remains,
}

/// A segment without an anchor.
#[derive(Debug)]
pub(super) struct NotBegun {
    pub(super) index: u64,
    pub(super) length: u64,
    pub(super) is_blank: bool,
}

/// Opens the journal, and cuts off its torn tail if it has one.
pub(crate) fn open(
    settings: &Settings,
    verifier: &mut Verifier<'_, '_>,
    requirements: &[Requirement],
) -> Result<Opened, Error> {
    let found = find(settings, verifier, &mut |_, _| Ok(()))?;
    verifier.check_end(requirements)?;
    tail::go_on(settings, found, verifier)
}

/// The indices of all segments, without a gap.
pub(super) fn indices(settings: &Settings) -> Result<Vec<u64>, Error> {
    let names = match settings.disk.list(FOLDER) {
        Err(error) if error.source.kind() == io::ErrorKind::NotFound => Vec::new(),
        names => names?,
    };
    let mut indices: Vec<u64> = names.iter().filter_map(|name| name::index(name)).collect();
    indices.sort_unstable();
    Ok(indices)
}

/// Reads everything, and tells `note` of every block.
pub(super) fn find(
    settings: &Settings,
    verifier: &mut Verifier<'_, '_>,
    note: &mut Note<'_>,
) -> Result<Found, Error> {
    let mut found = Found { spans: Spans::default(), tail: None, not_begun: Vec::new() };
    let mut expected = None;
    for index in indices(settings)? {
        if let Some(missing) = expected.filter(|&expected| expected != index) {
            return Err(missing_file(missing, verifier));
        }
        expected = Some(index + 1);
        take(settings, index, verifier, &mut found, note)?;
    }
    if let (None, Some(first)) = (&found.tail, found.not_begun.first())
        && first.index != 1
    {
        return Err(missing_file(first.index - 1, verifier));
    }
    Ok(found)
}

fn missing_file(index: u64, verifier: &Verifier<'_, '_>) -> Error {
    let place = Place { file: name::path(index), offset: 0, block: verifier.next_block() };
    Error::Damaged { place, damage: Damage::MissingFile }
}

/// Takes in one more segment.
fn take(
    settings: &Settings,
    index: u64,
    verifier: &mut Verifier<'_, '_>,
    found: &mut Found,
    note: &mut Note<'_>,
) -> Result<(), Error> {
    let path = name::path(index);
    let file = settings.disk.open(&path)?;
    let length = file.length()?;
    let mut window = Window::new(file);
    let directory = verifier.chains().directory();

    let first = Header::decode(window.get(0, HEADER_BYTES)?).ok();
    if let Some(header) = first.filter(|header| header.directory == directory) {
        check_predecessor(found, verifier, header.number)?;
    }
    let before_block = verifier.next_block();
    let before = verifier.chains().clone();
    let ending = scan_and_note(&mut window, &path, length, verifier, note)?;
    let remains = remains(&mut window, directory, ending.offset, length)?;

    if let Some(later) = remains.block {
        let offset = ending.offset;
        let place = Place { file: path, offset, block: verifier.next_block() };
        let damage = ending.damage.unwrap_or(if offset == 0 {
            Damage::Anchor
        } else {
            Damage::MissingBlock { later }
        });
        return Err(Error::Damaged { place, damage });
    }
    if ending.offset == 0 {
        let is_blank = remains.content_end == 0;
        found.not_begun.push(NotBegun { index, length, is_blank });
        return Ok(());
    }
    // The first segment's anchor sets the chains; those of the others agree with what precedes.
    let begins = found.tail.is_none();
    found.spans.push(Span {
        id: index,
        first_block: first.map_or(before_block, |header| header.number),
        before: if begins { verifier.beginning().clone() } else { before },
        bytes: length,
    });
    found.tail = Some(TailSegment { index, length, ending, remains });
    Ok(())
}

/// Whether the segment before one that begins with block `number` ends where it should.
fn check_predecessor(found: &Found, verifier: &Verifier<'_, '_>, number: u64) -> Result<(), Error> {
    let block = verifier.next_block();
    if let Some(blank) = found.not_begun.first() {
        let place = Place { file: name::path(blank.index), offset: 0, block };
        return Err(Error::Damaged { place, damage: Damage::Anchor });
    }
    match &found.tail {
        Some(tail) if number > block => {
            let file = name::path(tail.index);
            let place = Place { file, offset: tail.ending.offset, block };
            let damage = tail.ending.damage.clone();
            let damage = damage.unwrap_or(Damage::MissingBlock { later: number });
            Err(Error::Damaged { place, damage })
        }
        _ => Ok(()),
    }
}
