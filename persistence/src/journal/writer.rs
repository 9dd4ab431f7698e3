//! The journal above any engine: judges frames, builds blocks, keeps the chains, and poisons itself
//! when it no longer knows what is stored.

use redeemd_domain::sequence::SequenceId;

use super::block::{Builder, HEADER_BYTES, Kind};
use super::chain::{Chains, Tail};
use super::error::{AppendError, Error, Refusal};
use super::space::Space;
use super::store::{Opened, Store};
use super::{Appended, ChainDigest, Frame, Journal, Reader};

/// A journal with any engine.
pub(crate) struct Writer {
    store: Box<dyn Store>,
    chains: Chains,
    /// The chains as they will be when the block that is being written is durable.
    next_chains: Chains,
    next_block: u64,
    builder: Builder,
    space: Space,
    poisoned: bool,
}

impl Writer {
    pub(crate) fn new(opened: Opened, space: Space) -> Self {
        let Opened { store, chains, next_block, report: _ } = opened;
        Self {
            store,
            next_chains: chains.clone(),
            chains,
            next_block,
            builder: Builder::default(),
            space,
            poisoned: false,
        }
    }

    fn judge(&self, frames: &[Frame<'_>]) -> Result<(), Refusal> {
        if self.poisoned {
            return Err(Refusal::Poisoned);
        }
        if frames.is_empty() || frames.iter().any(|frame| frame.count == 0) {
            return Err(Refusal::Empty);
        }
        let bytes = frames.iter().map(Frame::stored_bytes).sum();
        let limit = self.largest_append();
        if bytes > limit {
            return Err(Refusal::TooLarge { bytes, limit });
        }
        self.space.check(bytes)
    }

    /// Encodes the frames into the builder and moves `next_chains` on.
    fn encode(&mut self, frames: &[Frame<'_>]) -> Result<(), Refusal> {
        self.next_chains.clone_from(&self.chains);
        let body = self.builder.begin();
        for frame in frames {
            let Frame { sequence, first, .. } = *frame;
            let tail = self.next_chains.tail(sequence);
            let expected = tail.last.saturating_add(1);
            let last = frame.last().filter(|_| first == expected);
            let Some(last) = last else {
                return Err(Refusal::OutOfOrder { sequence, expected, found: first });
            };
            let start = frame.encode(tail.digest, body);
            let digest = ChainDigest::of(body.get(start..).unwrap_or_default());
            self.next_chains.set(sequence, Tail { last, digest });
        }
        Ok(())
    }

    /// Runs what leaves the store in an unknown state when it fails.
    fn or_poison<T>(
        &mut self,
        act: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if self.poisoned {
            return Err(Error::Poisoned);
        }
        let result = act(self);
        self.poisoned = result.is_err();
        result
    }
}

impl Journal for Writer {
    fn append(&mut self, frames: &[Frame<'_>]) -> Result<Appended, AppendError> {
        self.judge(frames).and_then(|()| self.encode(frames)).map_err(AppendError::NotAppended)?;
        let directory = self.chains.directory();
        let block = self.builder.finish(Kind::Entries, directory, self.next_block);
        match self.store.write(&block, &self.chains) {
            Ok(()) => {
                std::mem::swap(&mut self.chains, &mut self.next_chains);
                self.next_block += 1;
                Ok(Appended { block: block.number, bytes: block.bytes().len() as u64 })
            }
            Err(error) => {
                self.poisoned |= matches!(error, AppendError::Unknown(_));
                Err(error)
            }
        }
    }

    fn tail(&self, sequence: SequenceId) -> Tail {
        self.chains.tail(sequence)
    }

    fn largest_append(&self) -> u64 {
        self.store.largest_block().saturating_sub(HEADER_BYTES) as u64
    }

    fn release(&mut self, released: &[(SequenceId, u64)]) -> Result<(), Error> {
        self.or_poison(|journal| journal.store.release(released))
    }

    fn prepare(&mut self) -> Result<(), Error> {
        self.or_poison(|journal| journal.store.prepare())
    }

    fn stored_bytes(&self) -> u64 {
        self.store.stored_bytes()
    }

    fn reader(&self) -> Result<Box<dyn Reader>, Error> {
        self.store.reader()
    }

    fn give_up_reserve(&mut self) -> Result<(), Error> {
        self.space.give_up_reserve()
    }

    fn restore_reserve(&mut self) -> Result<bool, Error> {
        self.space.restore_reserve()
    }
}
