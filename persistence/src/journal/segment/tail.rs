//! Makes the end of the journal fit to be written on, after everything was found to be in order.

use std::sync::Arc;

use super::super::block::{Builder, HEADER_BYTES, Header};
use super::super::error::{Error, Place};
use super::super::open::{RecoveryReport, TornTail};
use super::super::space::FOLDER;
use super::super::spans::Span;
use super::super::store::Opened;
use super::super::verifier::Verifier;
use super::housekeeping::{self, Housekeeping, NotPrepared};
use super::pace::Pace;
use super::recovery::{Found, NotBegun, TailSegment};
use super::{Current, SegmentStore, Settings, name};
use crate::disk::File;

const ZEROS_BYTES: usize = 1 << 20;

/// Repairs what a crash left behind, and goes on writing after it.
pub(super) fn go_on(
    settings: &Settings,
    mut found: Found,
    verifier: &Verifier<'_, '_>,
) -> Result<Opened, Error> {
    let (current, torn_tail) = match &found.tail {
        Some(tail) => {
            let file = settings.disk.open(&name::path(tail.index))?;
            rewrite_last_block(&*file, tail)?;
            let torn_tail = cut_off(&*file, tail, verifier.next_block())?;
            file.sync_data()?;
            let current = Current { file, length: tail.length, offset: tail.ending.offset };
            (current, torn_tail)
        }
        None => (begin(settings, &mut found, verifier)?, None),
    };
    let next_index = found.spans.iter().last().map_or(1, |span| span.id) + 1;
    let ready = keep_or_remove(settings, &found.not_begun, next_index)?;
    // A name that the last process did not sync may not be durable yet.
    settings.disk.sync_folder(FOLDER)?;
    let report = RecoveryReport::of(verifier, torn_tail);
    let mut housekeeping = Housekeeping::new(settings.clone(), next_index, ready);
    housekeeping.start_preparing();
    let store = SegmentStore {
        settings: settings.clone(),
        spans: found.spans,
        current,
        housekeeping,
        anchor: Builder::default(),
    };
    Ok(Opened {
        store: Box::new(store),
        chains: verifier.chains().clone(),
        next_block: verifier.next_block(),
        report,
    })
}

/// Writes the last block once more. If the last process ended because a sync failed, then the
/// kernel may show the block without the disk having it, and without ever writing it; only what is
/// written again is covered by the next sync. Blocks before the last one were synced.
fn rewrite_last_block(file: &dyn File, tail: &TailSegment) -> Result<(), Error> {
    let Some(offset) = tail.ending.last_block else {
        return Ok(());
    };
    let mut header = [0; HEADER_BYTES];
    file.read_at(&mut header, offset)?;
    if let Ok(header) = Header::decode(&header) {
        let mut bytes = vec![0; header.block_length()];
        file.read_at(&mut bytes, offset)?;
        file.write_at(&bytes, offset)?;
    }
    Ok(())
}

/// Puts zeros over what is left of a block that was never acknowledged, so that no later block can
/// be mistaken for its continuation.
fn cut_off(file: &dyn File, tail: &TailSegment, block: u64) -> Result<Option<TornTail>, Error> {
    let (start, end) = (tail.ending.offset, tail.remains.content_end);
    if end <= start {
        return Ok(None);
    }
    let zeros = vec![0; ZEROS_BYTES];
    let mut at = start;
    while at < end {
        let count = (end - at).min(ZEROS_BYTES as u64);
        file.write_at(zeros.get(..count as usize).unwrap_or(&zeros), at)?;
        at += count;
    }
    let place = Place { file: name::path(tail.index), offset: start, block };
    Ok(Some(TornTail { place, dropped_bytes: end - start }))
}

/// Begins the first segment of an empty journal.
fn begin(
    settings: &Settings,
    found: &mut Found,
    verifier: &Verifier<'_, '_>,
) -> Result<Current, Error> {
    for left_over in found.not_begun.drain(..).rev() {
        settings.disk.remove(&name::path(left_over.index))?;
    }
    let file =
        housekeeping::make(settings, 1, &Pace::hurried()).map_err(|reason| match reason {
            NotPrepared::NoSpace(refusal) => Error::NoSpace(refusal),
            NotPrepared::Failed(error) => Error::Disk(error),
        })?;
    let mut builder = Builder::default();
    let anchor = builder.anchor(verifier.chains(), verifier.next_block());
    file.write_at(anchor.padded(), 0)?;
    file.sync_data()?;
    found.spans.push(Span {
        id: 1,
        first_block: verifier.next_block(),
        before: verifier.chains().clone(),
        bytes: settings.segment_bytes,
    });
    let offset = anchor.padded().len() as u64;
    Ok(Current { file, length: settings.segment_bytes, offset })
}

/// Keeps the segment that was prepared for next, if it is one, and removes other left-overs.
fn keep_or_remove(
    settings: &Settings,
    not_begun: &[NotBegun],
    next_index: u64,
) -> Result<Option<Arc<dyn File>>, Error> {
    let mut ready = None;
    for segment in not_begun.iter().rev() {
        let path = name::path(segment.index);
        let fits = segment.is_blank && segment.length == settings.segment_bytes;
        if fits && segment.index == next_index {
            let file = settings.disk.open(&path)?;
            file.sync_data()?;
            ready = Some(file);
        } else {
            settings.disk.remove(&path)?;
            settings.disk.sync_folder(FOLDER)?;
        }
    }
    Ok(ready)
}
