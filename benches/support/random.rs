//! Numbers without a pattern, the same in each run.

/// The numbers below a bound, each once, in an order without pattern enough for this purpose: a
/// linear congruential generator of full period over the next power of two, with the bits mixed.
#[derive(Clone, Copy)]
pub(crate) struct Shuffled {
    state: u64,
    bits: u32,
    count: u64,
}

impl Shuffled {
    pub(crate) fn new(count: u64) -> Self {
        Self { state: 1, bits: count.next_power_of_two().trailing_zeros().max(2), count }
    }

    pub(crate) fn next(&mut self) -> u64 {
        let mask = (1 << self.bits) - 1;
        loop {
            self.state = self.state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1) & mask;
            // Multiplying by an odd number and folding the high half down permutes the numbers.
            let half = self.bits / 2;
            let mixed = (self.state ^ (self.state >> half)).wrapping_mul(0x9e37_79b1) & mask;
            let mixed = mixed ^ (mixed >> half);
            if mixed < self.count {
                return mixed;
            }
        }
    }
}

/// SplitMix64, by Sebastiano Vigna (public domain).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
