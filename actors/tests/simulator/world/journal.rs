//! What the journal writer does: takes what has gathered, makes it durable, says so.

use redeemd_domain::sequence::SequenceId;
use redeemd_persistence::journal::{AppendError, Frame, Refusal};

use super::{World, at_station};
use crate::dice::Dice as _;
use crate::station::{JournalAnswer, Sent};

impl World {
    /// Flushes some of what has gathered: of every sequence the frames that came first.
    pub(crate) fn write_journal(&mut self) -> bool {
        let sequences = self.sequences();
        let begin = self.random.place(sequences.len());
        let mut waiting = Vec::new();
        for place in 0..sequences.len() {
            let sequence = sequences[(begin + place) % sequences.len()];
            at_station!(self, sequence, station => {
                let count = self.random.below(station.frames.len() as u64 + 1) as usize;
                waiting.extend(station.frames.drain(..count));
            });
        }
        let has_any = !waiting.is_empty();
        self.append_all(waiting);
        has_any
    }

    /// Flushes everything that a sequence has sent.
    pub(super) fn write_all_of(&mut self, sequence: SequenceId) {
        let waiting = at_station!(self, sequence, station => station.frames.drain(..).collect());
        self.append_all(waiting);
    }

    /// What the writer does once a second.
    pub(crate) fn look_at_disk(&mut self) {
        let process = self.process();
        if process.journal_is_poisoned {
            return;
        }
        if let Err(error) = process.journal.prepare() {
            return self.poison(&error.to_string());
        }
        let process = self.process();
        if !process.disk_is_full || !matches!(process.journal.restore_reserve(), Ok(true)) {
            return;
        }
        process.disk_is_full = false;
        for sequence in self.sequences() {
            at_station!(self, sequence, station => {
                if station.is_known_to_journal {
                    station.journal_answers.push_back(JournalAnswer::DiskHasSpace);
                }
            });
        }
    }

    /// The older of two snapshots lets the journal go.
    pub(super) fn release(&mut self, sequence: SequenceId, through: u64) {
        self.trace.note("release", sequence.0.into(), through);
        let process = self.process();
        let released = process.released.entry(sequence).or_default();
        *released = through.max(*released);
        let released: Vec<_> =
            process.released.iter().map(|(id, through)| (*id, *through)).collect();
        if process.journal_is_poisoned {
            return;
        }
        let before = process.journal.stored_bytes();
        if let Err(error) = process.journal.release(&released) {
            return self.poison(&error.to_string());
        }
        let after = self.process().journal.stored_bytes();
        if after < before {
            self.trace.note("segments removed", before, after);
        }
    }

    fn append_all(&mut self, mut waiting: Vec<Sent>) {
        while !waiting.is_empty() {
            let limit = self.process().journal.largest_append();
            let mut bytes = 0;
            let fits = |sent: &&Sent| {
                bytes += (sent.proposal.payload.len() + Frame::OVERHEAD_BYTES) as u64;
                bytes <= limit
            };
            let count = waiting.iter().take_while(fits).count().max(1);
            let rest = waiting.split_off(count);
            self.append(&waiting);
            waiting = rest;
        }
    }

    fn append(&mut self, sent: &[Sent]) {
        for Sent { sequence, .. } in sent {
            at_station!(self, sequence, station => station.is_known_to_journal = true);
        }
        let process = self.process();
        if process.journal_is_poisoned {
            return self.answer(sent, |_| JournalAnswer::Unknown);
        }
        let frames: Vec<Frame<'_>> = sent
            .iter()
            .map(|Sent { sequence, proposal, .. }| Frame {
                sequence: *sequence,
                first: proposal.first,
                count: proposal.count,
                payload: &proposal.payload,
            })
            .collect();
        let segments = process.journal.stored_bytes();
        let result = process.journal.append(&frames);
        if process.journal.stored_bytes() > segments {
            self.trace.note("segment begun", segments, 0);
        }
        match result {
            Ok(appended) => {
                self.trace.note("append", appended.block, sent.len() as u64);
                for Sent { sequence, proposal, .. } in sent {
                    at_station!(self, sequence, station => {
                        station.history.written(proposal, &mut self.attempts);
                    });
                }
                self.answer(sent, |sent| JournalAnswer::Committed(sent.proposal.ticket));
            }
            Err(AppendError::NotAppended(refusal)) => self.refused(sent, &refusal),
            Err(AppendError::Unknown(error)) => {
                self.trace.note("append unknown", sent.len() as u64, 0);
                self.answer(sent, |_| JournalAnswer::Unknown);
                self.poison(&error.to_string());
            }
        }
    }

    fn refused(&mut self, sent: &[Sent], refusal: &Refusal) {
        self.trace.note("append refused", sent.len() as u64, 0);
        match refusal {
            Refusal::OutOfOrder { .. } if sent.len() > 1 => {
                sent.chunks(1).for_each(|sent| self.append(sent));
            }
            Refusal::OutOfOrder { .. } => {
                self.answer(sent, |sent| JournalAnswer::NotAppended(sent.proposal.ticket));
            }
            _ => {
                let process = self.process();
                if !std::mem::replace(&mut process.disk_is_full, true) {
                    // Where it cannot be given up, there is less room at the next start.
                    let _ = process.journal.give_up_reserve();
                }
                self.answer(sent, |sent| JournalAnswer::NotAppended(sent.proposal.ticket));
            }
        }
    }

    fn poison(&mut self, reason: &str) {
        let process = self.process();
        process.journal_is_poisoned = true;
        process.fatal.get_or_insert_with(|| format!("journal: {reason}"));
    }

    fn answer(&mut self, sent: &[Sent], answer: impl Fn(&Sent) -> JournalAnswer) {
        for sent in sent {
            at_station!(self, sent.sequence, station => {
                if station.incarnation == sent.incarnation {
                    station.journal_answers.push_back(answer(sent));
                }
            });
        }
    }
}
