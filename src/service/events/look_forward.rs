//! Looking forward over all sequences: their records merged, the oldest first.
//!
//! Each sequence keeps its own order, whatever its stamps; between sequences the earlier stamp goes
//! first, which is a courtesy to readers and no promise. Nothing is left out and nothing comes twice,
//! since a position says for each sequence how far it was read.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use redeemd_domain::sequence::SequenceId;
use redeemd_domain::timestamp::Timestamp;
use redeemd_domain::{control, shard};
use redeemd_persistence::ledger::{self, LedgerReader};

use super::event::Event;
use super::position::EventPosition;
use crate::service::error::Error;
use crate::service::ledger_search::{decode, unreadable};

/// How many records are read of each sequence at a time, and of all together, about.
const PIECE: usize = 64;
/// See [`PIECE`].
const ALL_PIECES: usize = 4_096;

/// Reads the events between two positions.
pub struct LookForward<'a> {
    ledger: &'a LedgerReader,
    upto: EventPosition,
    position: EventPosition,
    sequences: Vec<OneSequence>,
    /// The oldest event that is left of each sequence that has any, by time and sequence.
    heads: BinaryHeap<Reverse<(Timestamp, u16)>>,
    looked_at: usize,
    piece: usize,
}

/// What is left of one sequence.
#[derive(Default)]
struct OneSequence {
    head: Option<Event>,
    /// What was read and not looked at.
    records: VecDeque<ledger::Record>,
    /// Everything up to this number was read.
    through: u64,
}

impl<'a> LookForward<'a> {
    /// Begins after one position and ends at another, which the ledger has reached.
    ///
    /// # Errors
    /// When the ledger does not read.
    pub fn begin(
        ledger: &'a LedgerReader,
        after: EventPosition,
        upto: EventPosition,
    ) -> Result<Self, Error> {
        let begin = |&through: &u64| OneSequence { through, ..OneSequence::default() };
        let sequences: Vec<_> = after.numbers().iter().map(begin).collect();
        let piece = (ALL_PIECES / sequences.len().max(1)).clamp(1, PIECE);
        let heads = BinaryHeap::new();
        let mut look =
            Self { ledger, upto, position: after, sequences, heads, looked_at: 0, piece };
        for sequence in 0..look.sequences.len() as u16 {
            look.bring_head(SequenceId(sequence))?;
        }
        Ok(look)
    }

    /// The next event, with which the position moves on; `None` at the end.
    ///
    /// # Errors
    /// When the ledger does not read.
    pub fn next_event(&mut self) -> Result<Option<Event>, Error> {
        let Some(Reverse((_, sequence))) = self.heads.pop() else { return Ok(None) };
        let sequence = SequenceId(sequence);
        let one = self.sequences.get_mut(sequence.index());
        let Some(event) = one.and_then(|one| one.head.take()) else { return Ok(None) };
        self.position.set(sequence, event.id.position.number);
        self.bring_head(sequence)?;
        Ok(Some(event))
    }

    /// Everything before it was given out.
    pub fn position(&self) -> &EventPosition {
        &self.position
    }

    /// How many records were looked at.
    pub fn looked_at(&self) -> usize {
        self.looked_at
    }

    /// Looks for the oldest event that is left of a sequence. Without one, the sequence is at its
    /// end, and so is the position.
    fn bring_head(&mut self, sequence: SequenceId) -> Result<(), Error> {
        let upto = self.upto.number(sequence);
        let Some(one) = self.sequences.get_mut(sequence.index()) else { return Ok(()) };
        loop {
            while let Some(record) = one.records.pop_front() {
                self.looked_at += 1;
                if let Some(event) = event_of(&record)? {
                    self.heads.push(Reverse((event.id.at, sequence.0)));
                    one.head = Some(event);
                    return Ok(());
                }
            }
            if one.through >= upto {
                self.position.set(sequence, upto.max(self.position.number(sequence)));
                return Ok(());
            }
            let page = self.ledger.scan(sequence, one.through, self.piece).map_err(unreadable)?;
            if page.through <= one.through {
                return Err(Error::internal(format!("{sequence} ends before {upto}")));
            }
            one.through = page.through;
            one.records.extend(page.records);
            while one.records.back().is_some_and(|record| record.position.number > upto) {
                one.records.pop_back();
            }
        }
    }
}

fn event_of(record: &ledger::Record) -> Result<Option<Event>, Error> {
    let sequence = record.position.sequence;
    Ok(match sequence.as_shard() {
        Some(_) => Event::of_shard(sequence, decode::<shard::Record>(record)?, record.bytes.len()),
        None => Event::of_control(decode::<control::Record>(record)?, record.bytes.len()),
    })
}
