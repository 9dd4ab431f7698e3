//! How much may wait for the database on the disk. A plain value.

/// The bound, and whether it was reached.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    most_bytes: Option<u64>,
    /// Whether less than that has waited once.
    has_begun: bool,
    is_reached: bool,
}

impl Bound {
    /// So many bytes at most; `None` is without a bound. `has_begun` says whether less than that has
    /// waited before: a database that is being filled for the first time gets whatever there is, and
    /// is no reason to take nothing new.
    pub fn new(most_bytes: Option<u64>, has_begun: bool) -> Self {
        Self { most_bytes, has_begun, is_reached: false }
    }

    /// Whether less than the bound has waited once, so that it counts from now on.
    pub fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Notes how much waits, and says whether that is too much. Once it was, it is until a tenth has
    /// become free: clients are not let in and shut out by turns.
    pub fn observe(&mut self, bytes: u64) -> bool {
        self.has_begun |= self.most_bytes.is_none_or(|most| bytes < most);
        self.is_reached = match self.most_bytes.filter(|_| self.has_begun) {
            None => false,
            Some(most) if self.is_reached => bytes > most / 10 * 9,
            Some(most) => bytes >= most,
        };
        self.is_reached
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_reached_and_left_behind_when_a_tenth_is_free() {
        let mut bound = Bound::new(Some(1_000), true);
        let waits = [1_000, 950, 901, 900, 950, 1_500, 0];
        let expected = [true, true, true, false, false, true, false];
        assert_eq!(waits.map(|bytes| bound.observe(bytes)), expected);
        let mut bound = Bound::new(None, false);
        assert!(!bound.observe(u64::MAX) && bound.has_begun());
    }

    #[test]
    fn a_database_that_is_filled_for_the_first_time_is_not_bound() {
        let mut bound = Bound::new(Some(1_000), false);
        assert!(!bound.observe(5_000) && !bound.has_begun());
        assert!(!bound.observe(999) && bound.has_begun());
        assert!(bound.observe(1_000));
    }
}
