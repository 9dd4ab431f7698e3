//! Reads entries back from the segments while the journal goes on.

use redeemd_domain::sequence::SequenceId;

use super::super::chain::DirectoryId;
use super::super::error::{Damage, Error, Place};
use super::super::spans::Spans;
use super::super::verifier::{Verifier, Wanted};
use super::super::{FrameVisitor, Reader};
use super::scan::{Window, scan};
use super::{Settings, name};

#[derive(Debug)]
pub(super) struct SegmentReader {
    settings: Settings,
    spans: Spans,
    /// Where what is durable ends in the last segment.
    end: u64,
}

impl SegmentReader {
    pub(super) fn new(settings: &Settings, spans: &Spans, end: u64) -> Self {
        Self { settings: settings.clone(), spans: spans.clone(), end }
    }

    fn directory(&self) -> Option<DirectoryId> {
        self.spans.iter().next().map(|span| span.before.directory())
    }
}

impl Reader for SegmentReader {
    fn read(
        &mut self,
        sequence: SequenceId,
        after: u64,
        visit: &mut FrameVisitor<'_>,
    ) -> Result<(), Error> {
        let Some(directory) = self.directory() else {
            return Ok(());
        };
        let wanted = Wanted::One(sequence, after);
        let mut verifier = Verifier::new(directory, wanted, visit);
        let mut spans = self.spans.holding(sequence, after).peekable();
        while let Some(span) = spans.next() {
            let path = name::path(span.id);
            let file = self.settings.disk.open(&path)?;
            let end = if spans.peek().is_some() { span.bytes } else { self.end };
            let mut window = Window::new(file);
            let ending = scan(&mut window, &path, end, &mut verifier)?;
            let later = spans.peek().map(|next| next.first_block);
            let complete = match later {
                Some(later) => verifier.next_block() == later,
                None => ending.offset == self.end,
            };
            if !complete {
                let block = verifier.next_block();
                let place = Place { file: path, offset: ending.offset, block };
                let missing = Damage::MissingBlock { later: later.unwrap_or(block) };
                let damage = ending.damage.unwrap_or(missing);
                return Err(Error::Damaged { place, damage });
            }
        }
        Ok(())
    }
}
