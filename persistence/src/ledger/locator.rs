//! Where a record lies in the log: the order in which everything was appended.

/// A record's place in the order of appending, over all sequences: its block's running number and
/// its index within the block. Also the cursor of a look-up by key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Locator(u64);

impl Locator {
    /// After every record.
    pub const END: Self = Self(u64::MAX);

    pub(super) const fn new(block: u64, index: u16) -> Self {
        Self(block << 16 | index as u64)
    }

    /// The 64 bits, for a cursor that leaves the process.
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// The locator with these bits. Any bits are fine: a locator only bounds a look-up.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(super) const fn block(self) -> u64 {
        self.0 >> 16
    }

    pub(super) const fn index(self) -> u16 {
        (self.0 & 0xffff) as u16
    }
}
