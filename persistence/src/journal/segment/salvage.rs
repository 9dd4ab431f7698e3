//! Looks at segments without changing them, damaged ones included.

use super::super::block::{self, ALIGNMENT, HEADER_BYTES, Header, Kind};
use super::super::chain::DirectoryId;
use super::super::error::{Error, Place};
use super::super::open::TornTail;
use super::super::verifier::Verifier;
use super::recovery::{find, indices};
use super::scan::Window;
use super::{Settings, name};

/// Reads everything as recovery does, and tells `note` of every block; the first anchor comes first.
pub(crate) fn inspect(
    settings: &Settings,
    verifier: &mut Verifier<'_, '_>,
    note: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
) -> Result<Option<TornTail>, Error> {
    let mut has_begun = false;
    let found = find(settings, verifier, &mut |header, bytes| {
        // The anchors of later segments say what the blocks before them say.
        let is_told = header.kind == Kind::Entries || !std::mem::replace(&mut has_begun, true);
        if is_told { note(bytes) } else { Ok(()) }
    })?;
    Ok(found.tail.and_then(|tail| {
        let offset = tail.ending.offset;
        let dropped_bytes =
            tail.remains.content_end.checked_sub(offset).filter(|&bytes| bytes > 0)?;
        let place = Place { file: name::path(tail.index), offset, block: verifier.next_block() };
        Some(TornTail { place, dropped_bytes })
    }))
}

/// The files from a place on, its own included. Gives `visit` the bytes of everything in them that
/// bears the header of a block of this directory, in order.
pub(crate) fn later_blocks(
    settings: &Settings,
    directory: DirectoryId,
    place: &Place,
    visit: &mut dyn FnMut(&[u8]),
) -> Result<Vec<String>, Error> {
    let mut files = Vec::new();
    for path in indices(settings)?.into_iter().map(name::path) {
        if path < place.file {
            continue;
        }
        let file = settings.disk.open(&path)?;
        let length = file.length()?;
        let mut window = Window::new(file);
        let mut at = if path == place.file { place.offset } else { 0 };
        while at < length {
            let header = Header::decode(window.get(at, HEADER_BYTES)?).ok();
            let header = header
                .filter(|header| header.directory == directory && header.kind == Kind::Entries);
            let mut step = ALIGNMENT;
            if let Some(header) = header {
                let bytes = window.get(at, header.block_length())?;
                if header.fits(bytes.get(HEADER_BYTES..).unwrap_or_default()) {
                    step = block::padded(header.block_length());
                }
                visit(bytes);
            }
            at += step as u64;
        }
        files.push(path);
    }
    Ok(files)
}
