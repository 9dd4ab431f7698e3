//! Which machines there are, and how each is made: new, or from a snapshot.

use redeemd_domain::control::{self, Control};
use redeemd_domain::machine::{Decode, Machine};
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::shard::{self, Shard};
use redeemd_domain::slot::ShardLayout;

use crate::ledger_record::Keyed;

/// A machine that has a sequence of its own.
pub trait Sequenced: Machine<Record: Keyed> {
    /// What builds it from a snapshot.
    type Decoder: Decode<Machine = Self>;

    /// The machine before its first entry; `None` when the layout has no such sequence.
    fn fresh(layout: ShardLayout, sequence: SequenceId) -> Option<Self>;

    /// What builds it from a snapshot.
    fn decoder(layout: ShardLayout, sequence: SequenceId) -> Self::Decoder;
}

impl Sequenced for Shard {
    type Decoder = shard::Decoder;

    fn fresh(layout: ShardLayout, sequence: SequenceId) -> Option<Self> {
        let shard = sequence.as_shard().filter(|&shard| shard < layout.shards())?;
        Some(Self::new(layout, shard))
    }

    fn decoder(layout: ShardLayout, sequence: SequenceId) -> shard::Decoder {
        shard::Decoder::new(layout, sequence.as_shard().unwrap_or(u16::MAX))
    }
}

impl Sequenced for Control {
    type Decoder = control::Decoder;

    fn fresh(_: ShardLayout, sequence: SequenceId) -> Option<Self> {
        (sequence == SequenceId::CONTROL).then(Self::new)
    }

    fn decoder(_: ShardLayout, _: SequenceId) -> control::Decoder {
        control::Decoder::default()
    }
}
