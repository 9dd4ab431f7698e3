//! The pieces in which codes are asked for, where there are more than a server gives at once. It knows
//! no server.

/// The most codes that a server gives at once.
const MOST_AT_ONCE: u64 = 10_000_000;

/// What is still to be asked for.
#[derive(Debug)]
pub(super) struct Pieces {
    /// The index from which on the next piece is; `None` when there is none.
    first: Option<u64>,
    /// How many codes are still wanted; `None` is all that are there.
    left: Option<u64>,
}

impl Pieces {
    /// So many codes from an index on, or all of them. There is one piece at least, so that the
    /// server says what it thinks of the campaign.
    pub(super) fn new(first: u64, count: Option<u64>) -> Self {
        Self { first: Some(first), left: count }
    }

    /// What to ask for next, as the parameters of the request.
    pub(super) fn query(&self) -> Option<String> {
        let first = self.first?;
        Some(match self.left {
            Some(left) => format!("first_index={first}&count={}", left.min(MOST_AT_ONCE)),
            None => format!("first_index={first}"),
        })
    }

    /// So many codes came, and the server says that the next ones are from `next` on.
    pub(super) fn took(&mut self, count: u64, next: u64) {
        self.left = self.left.map(|left| left.saturating_sub(count));
        let is_last = match self.left {
            Some(left) => left == 0 || count == 0,
            // All that are there were asked for, so that fewer than a server gives are the last.
            None => count < MOST_AT_ONCE,
        };
        self.first = (!is_last).then_some(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(pieces: &Pieces) -> String {
        pieces.query().unwrap_or_default()
    }

    #[test]
    fn all_codes_are_asked_for_until_there_are_fewer_than_fit() {
        let mut pieces = Pieces::new(5, None);
        assert_eq!(query(&pieces), "first_index=5");
        // The indices have gaps, so the next piece begins where the server says.
        pieces.took(MOST_AT_ONCE, 10_000_123);
        assert_eq!(query(&pieces), "first_index=10000123");
        pieces.took(17, 10_000_140);
        assert_eq!(query(&pieces), "");
        let mut none = Pieces::new(0, None);
        none.took(0, 0);
        assert_eq!(query(&none), "");
    }

    #[test]
    fn so_many_codes_are_asked_for_in_pieces() {
        let mut pieces = Pieces::new(0, Some(25_000_000));
        assert_eq!(query(&pieces), "first_index=0&count=10000000");
        pieces.took(10_000_000, 10_000_001);
        assert_eq!(query(&pieces), "first_index=10000001&count=10000000");
        pieces.took(10_000_000, 20_000_009);
        assert_eq!(query(&pieces), "first_index=20000009&count=5000000");
        pieces.took(5_000_000, 25_000_009);
        assert_eq!(query(&pieces), "");
        let mut ended = Pieces::new(0, Some(5));
        ended.took(0, 0);
        assert_eq!(query(&ended), "", "a server that gives nothing is not asked for ever");
    }
}
