//! Reads entries back from sled while the journal goes on.

use redeemd_domain::sequence::SequenceId;

use super::super::block::{Builder, HEADER_BYTES, Header};
use super::super::error::{Damage, Error, Place};
use super::super::spans::Spans;
use super::super::verifier::{Verifier, Wanted};
use super::super::{FrameVisitor, Reader};
use super::database::Database;
use super::{FOLDER, recovery};

pub(super) struct SledReader {
    database: Database,
    spans: Spans,
    next_block: u64,
}

impl SledReader {
    pub(super) fn new(database: Database, spans: Spans, next_block: u64) -> Self {
        Self { database, spans, next_block }
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
        // The span knows the chains before it; an anchor is how the verifier learns them.
        let mut builder = Builder::default();
        let anchor = builder.anchor(&span.before, span.first_block);
        let place = Place { file: FOLDER.to_owned(), offset: 0, block: span.first_block };
        if let Ok(header) = Header::decode(anchor.bytes()) {
            let body = anchor.bytes().get(HEADER_BYTES..).unwrap_or_default();
            verifier.block(&place, &header, body)?;
        }
        let numbers = span.first_block..self.next_block;
        recovery::read(&self.database, &mut verifier, numbers, &mut |_, _, _| {})?;
        if verifier.next_block() == self.next_block {
            return Ok(());
        }
        let place = Place { block: verifier.next_block(), ..place };
        Err(Error::Damaged { place, damage: Damage::MissingBlock { later: self.next_block } })
    }
}
