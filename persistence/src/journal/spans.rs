//! Spans: the parts of a journal that are deleted as a whole, oldest first.

use std::collections::{BTreeMap, VecDeque};

use redeemd_domain::sequence::SequenceId;

use super::chain::Chains;

/// Consecutive blocks that are deleted together: a segment, or some thousand blocks.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    /// The engine's own name for it.
    pub(crate) id: u64,
    /// The number of its first block.
    pub(crate) first_block: u64,
    /// The chains before that block: the anchor where this span is the first one.
    pub(crate) before: Chains,
    /// How many bytes it takes.
    pub(crate) bytes: u64,
}

/// All spans of a journal, oldest first, and what has been released.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spans {
    spans: VecDeque<Span>,
    released: BTreeMap<SequenceId, u64>,
}

impl Spans {
    pub(crate) fn push(&mut self, span: Span) {
        self.spans.push_back(span);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Span> {
        self.spans.iter()
    }

    pub(crate) fn newest_mut(&mut self) -> Option<&mut Span> {
        self.spans.back_mut()
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.spans.iter().map(|span| span.bytes).sum()
    }

    pub(crate) fn note_released(&mut self, released: &[(SequenceId, u64)]) {
        for &(sequence, up_to) in released {
            let known = self.released.entry(sequence).or_default();
            *known = up_to.max(*known);
        }
    }

    /// Takes out the spans of which every entry was released. The newest one always stays.
    pub(crate) fn take_released(&mut self) -> Vec<Span> {
        let mut taken = Vec::new();
        while let Some(next) = self.spans.get(1) {
            let released = next.before.tails().all(|(sequence, tail)| {
                tail.last <= self.released.get(&sequence).copied().unwrap_or(0)
            });
            if !released {
                break;
            }
            taken.extend(self.spans.pop_front());
        }
        taken
    }

    /// The spans that may hold entries of a sequence after number `after`, oldest first. When some
    /// before that are missing, it is the oldest that tells so.
    pub(crate) fn holding(&self, sequence: SequenceId, after: u64) -> impl Iterator<Item = &Span> {
        let before = self
            .spans
            .iter()
            .skip(1)
            .take_while(|next| next.before.last(sequence) <= after)
            .count();
        self.spans.iter().skip(before)
    }
}
