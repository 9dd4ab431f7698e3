//! Reads entries back from the segments while the journal goes on.

use redeemd_domain::sequence::SequenceId;

use super::super::block::Kind;
use super::super::chain::{DirectoryId, Tail};
use super::super::error::{Damage, Error, Place};
use super::super::spans::{Span, Spans};
use super::super::verifier::{Verifier, Wanted};
use super::super::{BlockVisitor, Frame, FrameVisitor, Reader};
use super::scan::{Note, Window, scan_and_note};
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

    /// Gives the blocks of these spans to the verifier, up to the durable end.
    fn walk<'a>(
        &self,
        spans: impl Iterator<Item = &'a Span>,
        verifier: &mut Verifier<'_, '_>,
        note: &mut Note<'_>,
    ) -> Result<(), Error> {
        let mut spans = spans.peekable();
        while let Some(span) = spans.next() {
            let path = name::path(span.id);
            let file = self.settings.disk.open(&path)?;
            let end = if spans.peek().is_some() { span.bytes } else { self.end };
            let mut window = Window::new(file);
            let ending = scan_and_note(&mut window, &path, end, verifier, note)?;
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
        self.walk(self.spans.holding(sequence, after), &mut verifier, &mut |_, _| Ok(()))
    }

    fn export(&mut self, visit: &mut BlockVisitor<'_>) -> Result<Vec<(SequenceId, Tail)>, Error> {
        let Some(directory) = self.directory() else {
            return Ok(Vec::new());
        };
        let ignore = &mut |_: Frame<'_>| Ok(());
        let mut verifier = Verifier::new(directory, Wanted::beyond(&[]), ignore);
        let mut has_begun = false;
        self.walk(self.spans.iter(), &mut verifier, &mut |header, bytes| {
            // The anchors of later segments say what the blocks before them say.
            let is_told = header.kind == Kind::Entries || !std::mem::replace(&mut has_begun, true);
            if is_told { visit(bytes).map_err(Error::NotPassedOn) } else { Ok(()) }
        })?;
        Ok(verifier.chains().tails().collect())
    }
}
