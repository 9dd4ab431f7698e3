//! What happened in a history: a digest of all of it, the last notes for whoever has to understand
//! a failure, and how often everything happened. It decides nothing.

use std::collections::{BTreeMap, VecDeque};

/// How many notes are kept.
const KEPT: usize = 48;

/// The trace of one history.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) step: u64,
    digest: u64,
    notes: VecDeque<(u64, &'static str, u64, u64)>,
    counts: BTreeMap<&'static str, u64>,
}

impl Trace {
    /// Notes that something happened, and two numbers that tell it apart.
    pub(crate) fn note(&mut self, what: &'static str, one: u64, two: u64) {
        for byte in what.bytes().chain([0]) {
            self.mix(u64::from(byte));
        }
        self.mix(self.step);
        self.mix(one);
        self.mix(two);
        if self.notes.len() == KEPT {
            self.notes.pop_front();
        }
        self.notes.push_back((self.step, what, one, two));
        *self.counts.entry(what).or_default() += 1;
    }

    /// Takes the digest of a state into that of the trace.
    pub(crate) fn state(&mut self, digest: &[u8]) {
        digest.iter().for_each(|&byte| self.mix(u64::from(byte)));
    }

    pub(crate) fn digest(&self) -> u64 {
        self.digest
    }

    pub(crate) fn counts(&self) -> &BTreeMap<&'static str, u64> {
        &self.counts
    }

    /// The last notes, one a line.
    pub(crate) fn tail(&self) -> String {
        let line = |(step, what, one, two): &(u64, &str, u64, u64)| {
            format!("  {step:>6}  {what:<22} {one} {two}\n")
        };
        self.notes.iter().map(line).collect()
    }

    fn mix(&mut self, value: u64) {
        // FNV-1a over words: enough to tell two histories apart.
        self.digest = (self.digest ^ value).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
    }
}
