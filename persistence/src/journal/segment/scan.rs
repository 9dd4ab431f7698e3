//! Reads one segment: block after block, as far as they are intact.

use std::sync::Arc;

use super::super::block::{self, ALIGNMENT, HEADER_BYTES, Header, HeaderError, Kind, VERSION};
use super::super::chain::DirectoryId;
use super::super::error::{Damage, Error, Place};
use super::super::verifier::{Verifier, first_damaged_frame};
use crate::disk::{self, File};

const WINDOW_BYTES: usize = 4 << 20;
static ZEROS: [u8; ALIGNMENT] = [0; ALIGNMENT];

/// A file that is read forwards in large pieces.
#[derive(Debug)]
pub(super) struct Window {
    file: Arc<dyn File>,
    buffer: Vec<u8>,
    start: u64,
    filled: usize,
}

impl Window {
    pub(super) fn new(file: Arc<dyn File>) -> Self {
        Self { file, buffer: Vec::new(), start: 0, filled: 0 }
    }

    /// The bytes at an offset; fewer at the end of the file.
    pub(super) fn get(&mut self, offset: u64, count: usize) -> disk::Result<&[u8]> {
        let inside = |start: u64, filled: usize| {
            let from = usize::try_from(offset.checked_sub(start)?).ok()?;
            (from.checked_add(count)? <= filled).then_some(from)
        };
        let from = match inside(self.start, self.filled) {
            Some(from) => from,
            None => {
                let left = self.file.length()?.saturating_sub(offset);
                let left = usize::try_from(left).unwrap_or(usize::MAX);
                let wanted = WINDOW_BYTES.max(count).min(left);
                if self.buffer.len() < wanted {
                    self.buffer = vec![0; wanted];
                }
                let window = self.buffer.get_mut(..wanted).unwrap_or_default();
                self.filled = self.file.read_at(window, offset)?;
                self.start = offset;
                0
            }
        };
        let to = from.saturating_add(count).min(self.filled);
        Ok(self.buffer.get(from..to).unwrap_or_default())
    }
}

/// Where the intact blocks of a segment end.
#[derive(Clone, Debug)]
pub(super) struct Ending {
    /// Where the next block would begin; 0 when not even the anchor is there.
    pub(super) offset: u64,
    /// Where the last intact block began, if there is one.
    pub(super) last_block: Option<u64>,
    /// What is wrong at `offset`, if the next block bears a header; without one, the bytes there
    /// are zeros, or as good as.
    pub(super) damage: Option<Damage>,
}

/// What is told of every block that the verifier has taken in: its header, and all of its bytes.
pub(super) type Note<'a> = dyn FnMut(&Header, &[u8]) -> Result<(), Error> + 'a;

/// Gives a segment's blocks to the verifier, up to `end` or as far as they are intact, and tells
/// `note` of each.
pub(super) fn scan_and_note(
    window: &mut Window,
    file: &str,
    end: u64,
    verifier: &mut Verifier<'_, '_>,
    note: &mut Note<'_>,
) -> Result<Ending, Error> {
    let mut ending = Ending { offset: 0, last_block: None, damage: None };
    while ending.offset < end {
        let offset = ending.offset;
        let place = Place { file: file.to_owned(), offset, block: verifier.next_block() };
        let header = match Header::decode(window.get(offset, HEADER_BYTES)?) {
            Ok(header) => header,
            Err(HeaderError::Unreadable) => break,
            Err(HeaderError::Newer { version: found }) => {
                return Err(Error::NewerFormat { place, found, supported: VERSION });
            }
        };
        verifier.check_header(&place, &header)?;
        if (header.kind == Kind::Anchor) != (offset == 0) {
            return Err(Error::Damaged { place, damage: Damage::Anchor });
        }
        let length = header.block_length();
        let bytes = window.get(offset, length)?;
        let body = bytes.get(HEADER_BYTES..).unwrap_or_default();
        if !header.fits(body) {
            ending.damage = Some(Damage::Checksum { frame: first_damaged_frame(body) });
            break;
        }
        verifier.block(&place, &header, body)?;
        note(&header, bytes)?;
        ending.last_block = Some(offset);
        ending.offset += block::padded(length) as u64;
    }
    Ok(ending)
}

/// What lies behind the end of the intact blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Remains {
    /// The highest number in a block header of this directory, if there is any.
    pub(super) block: Option<u64>,
    /// The offset after the last byte that is not zero, or 0.
    pub(super) content_end: u64,
}

/// Looks at everything from `offset` on. A header right at `offset` does not count: it belongs to
/// the block that is torn or damaged.
pub(super) fn remains(
    window: &mut Window,
    directory: DirectoryId,
    offset: u64,
    length: u64,
) -> disk::Result<Remains> {
    let mut remains = Remains::default();
    let mut at = offset;
    while at < length {
        let page = window.get(at, ALIGNMENT.min((length - at) as usize))?;
        if page.is_empty() {
            break;
        }
        // Nearly every page is zeros; comparing it with zeros is the fastest way to see that.
        let is_blank = ZEROS.get(..page.len()) == Some(page);
        let last = if is_blank { None } else { page.iter().rposition(|&byte| byte != 0) };
        if let Some(last) = last {
            remains.content_end = at + last as u64 + 1;
            let counts = at > offset || offset == 0;
            let header = Header::decode(page).ok().filter(|header| header.directory == directory);
            if let Some(header) = header.filter(|header| counts && header.kind == Kind::Entries) {
                remains.block = remains.block.max(Some(header.number));
            }
        }
        at += ALIGNMENT as u64;
    }
    Ok(remains)
}
