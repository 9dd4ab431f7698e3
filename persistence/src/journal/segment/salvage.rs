//! Inspects segments without changing them, and cuts them off where they are damaged.

use std::collections::BTreeMap;
use std::io;

use redeemd_domain::sequence::SequenceId;

use super::super::block::{ALIGNMENT, HEADER_BYTES, Header, Kind};
use super::super::chain::Chains;
use super::super::error::{Error, Place};
use super::super::frame::StoredFrame;
use super::super::open::TornTail;
use super::super::space::FOLDER;
use super::super::verifier::Verifier;
use super::recovery::{find, indices};
use super::scan::Window;
use super::{Settings, name};
use crate::disk;

const CHUNK_BYTES: usize = 1 << 20;

/// Reads everything as recovery does, and leaves it as it is.
pub(crate) fn inspect(
    settings: &Settings,
    verifier: &mut Verifier<'_, '_>,
) -> Result<Option<TornTail>, Error> {
    let found = find(settings, verifier)?;
    Ok(found.tail.and_then(|tail| {
        let offset = tail.ending.offset;
        let dropped_bytes =
            tail.remains.content_end.checked_sub(offset).filter(|&bytes| bytes > 0)?;
        let place = Place { file: name::path(tail.index), offset, block: verifier.next_block() };
        Some(TornTail { place, dropped_bytes })
    }))
}

/// The entries of a sequence that were found: the first one missing, and the last one found.
type Lost = Vec<(SequenceId, u64, u64)>;

/// The files behind a place, its own included, and the readable entries in them that do not belong
/// to `kept`.
pub(crate) fn behind(
    settings: &Settings,
    place: &Place,
    kept: &Chains,
) -> Result<(Vec<String>, Lost), Error> {
    let mut files = Vec::new();
    let mut last_found: BTreeMap<SequenceId, u64> = BTreeMap::new();
    for index in indices(settings)? {
        let path = name::path(index);
        if path < place.file {
            continue;
        }
        let file = settings.disk.open(&path)?;
        let length = file.length()?;
        let mut window = Window::new(file);
        let mut at = if path == place.file { place.offset } else { 0 };
        while at < length {
            note_block(&mut window, at, kept, &mut last_found)?;
            at += ALIGNMENT as u64;
        }
        files.push(path);
    }
    let lost = last_found.into_iter().filter_map(|(sequence, last)| {
        let first = kept.last(sequence) + 1;
        (first <= last).then_some((sequence, first, last))
    });
    Ok((files, lost.collect()))
}

/// Notes the entries of a block, if an intact one begins here.
fn note_block(
    window: &mut Window,
    offset: u64,
    kept: &Chains,
    last_found: &mut BTreeMap<SequenceId, u64>,
) -> disk::Result<()> {
    let Ok(header) = Header::decode(window.get(offset, HEADER_BYTES)?) else {
        return Ok(());
    };
    if header.directory != kept.directory() || header.kind != Kind::Entries {
        return Ok(());
    }
    let bytes = window.get(offset, header.block_length())?;
    let mut rest = bytes.get(HEADER_BYTES..).unwrap_or_default();
    while let Some((stored, after)) = StoredFrame::decode(rest) {
        if let Some(last) = stored.frame.last().filter(|_| stored.intact) {
            let known = last_found.entry(stored.frame.sequence).or_default();
            *known = last.max(*known);
        }
        rest = after;
    }
    Ok(())
}

/// Sets aside everything from a place on. The last files go first: if this is interrupted, then
/// what is left is damaged at the same place, and it can be done again.
pub(crate) fn cut(settings: &Settings, place: &Place) -> disk::Result<()> {
    let disk = &settings.disk;
    let names = disk.list(FOLDER)?;
    let later = names.iter().filter(|name| name::index(name).is_some()).rev();
    for path in later.map(|name| format!("{FOLDER}/{name}")) {
        let is_cut = path == place.file && place.offset > 0;
        if path < place.file || is_cut {
            continue;
        }
        disk.rename(&path, &aside(settings, &path)?)?;
        disk.sync_folder(FOLDER)?;
    }
    if place.offset > 0 {
        copy_aside(settings, &place.file)?;
        let file = disk.open(&place.file)?;
        let length = file.length()?;
        let zeros = vec![0; CHUNK_BYTES];
        let mut at = place.offset;
        while at < length {
            let count = (length - at).min(CHUNK_BYTES as u64);
            file.write_at(zeros.get(..count as usize).unwrap_or(&zeros), at)?;
            at += count;
        }
        file.sync_data()?;
    }
    Ok(())
}

/// A name under which nothing is kept yet.
fn aside(settings: &Settings, path: &str) -> disk::Result<String> {
    let mut candidate = format!("{path}.damaged");
    for attempt in 2_u32.. {
        match settings.disk.open(&candidate) {
            Err(error) if error.source.kind() == io::ErrorKind::NotFound => break,
            Err(error) => return Err(error),
            Ok(_) => candidate = format!("{path}.damaged-{attempt}"),
        }
    }
    Ok(candidate)
}

fn copy_aside(settings: &Settings, path: &str) -> disk::Result<()> {
    let from = settings.disk.open(path)?;
    let to = settings.disk.create(&aside(settings, path)?)?;
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut at = 0;
    loop {
        let count = from.read_at(&mut buffer, at)?;
        to.write_at(buffer.get(..count).unwrap_or_default(), at)?;
        at += count as u64;
        if count < buffer.len() {
            break;
        }
    }
    to.sync_data()?;
    settings.disk.sync_folder(FOLDER)
}
