//! Reads entries back from sled while the journal goes on.

use redeemd_domain::sequence::SequenceId;

use super::super::block::{Builder, HEADER_BYTES, Header};
use super::super::chain::{Chains, Tail};
use super::super::error::{Damage, Error, Place};
use super::super::spans::{Span, Spans};
use super::super::verifier::{Verifier, Wanted};
use super::super::{BlockVisitor, Frame, FrameVisitor, Reader};
use super::FOLDER;
use super::database::Database;
use super::recovery::{self, Note};

pub(super) struct SledReader {
    database: Database,
    spans: Spans,
    next_block: u64,
    /// The chains before the next block, for a journal without any.
    beginning: Chains,
}

impl SledReader {
    pub(super) fn new(
        database: Database,
        spans: Spans,
        next_block: u64,
        beginning: Chains,
    ) -> Self {
        Self { database, spans, next_block, beginning }
    }

    /// Gives an anchor before a span, and the blocks from there on, to the verifier.
    fn walk(
        &self,
        span: &Span,
        verifier: &mut Verifier<'_, '_>,
        note: &mut Note<'_>,
    ) -> Result<(), Error> {
        // The span knows the chains before it; an anchor is how the verifier learns them.
        let mut builder = Builder::default();
        let anchor = builder.anchor(&span.before, span.first_block);
        let place = Place { file: FOLDER.to_owned(), offset: 0, block: span.first_block };
        if let Ok(header) = Header::decode(anchor.bytes()) {
            let body = anchor.bytes().get(HEADER_BYTES..).unwrap_or_default();
            verifier.block(&place, &header, body)?;
            note(anchor.number, anchor.bytes(), &span.before)?;
        }
        recovery::read(&self.database, verifier, span.first_block..self.next_block, note)?;
        if verifier.next_block() == self.next_block {
            return Ok(());
        }
        let place = Place { block: verifier.next_block(), ..place };
        Err(Error::Damaged { place, damage: Damage::MissingBlock { later: self.next_block } })
    }
}

impl Reader for SledReader {
    fn read(
        &mut self,
        sequence: SequenceId,
        after: u64,
        visit: &mut FrameVisitor<'_>,
    ) -> Result<(), Error> {
        let Some(span) = self.spans.holding(sequence, after).next() else {
            return Ok(());
        };
        let wanted = Wanted::One(sequence, after);
        let mut verifier = Verifier::new(span.before.directory(), wanted, visit);
        self.walk(span, &mut verifier, &mut |_, _, _| Ok(()))
    }

    fn export(&mut self, visit: &mut BlockVisitor<'_>) -> Result<Vec<(SequenceId, Tail)>, Error> {
        let empty = Span {
            id: self.next_block,
            first_block: self.next_block,
            before: self.beginning.clone(),
            bytes: 0,
        };
        let span = self.spans.iter().next().unwrap_or(&empty);
        let ignore = &mut |_: Frame<'_>| Ok(());
        let mut verifier = Verifier::new(span.before.directory(), Wanted::beyond(&[]), ignore);
        self.walk(span, &mut verifier, &mut |_, bytes, _| {
            visit(bytes).map_err(Error::NotPassedOn)
        })?;
        Ok(verifier.chains().tails().collect())
    }
}
