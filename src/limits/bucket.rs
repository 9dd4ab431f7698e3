//! The token bucket of one client: time in, decision out. It knows no clock.
//!
//! A full bucket lets so many requests through at once, and it fills at a steady rate. What is kept
//! is what is missing, so that a new client, whose bucket is full, is all zeros.

/// Parts of a request, so that what comes in during a nanosecond is a whole number of them.
const PARTS: u64 = 1_000_000_000;

/// How much a client may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Requests a second that a bucket gains, 1 to 1,000,000.
    pub per_second: u32,
    /// Requests that a full bucket holds, 1 to 1,000,000.
    pub burst: u32,
}

/// What a client has asked of late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// What the bucket lacked at that time, in [`PARTS`] of a request.
    missing: u64,
    /// Nanoseconds on a clock that never runs backwards.
    at: u64,
}

/// Whether a request may go on, and how the client stands after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Requests that the client's bucket holds when it is full.
    pub limit: u32,
    /// Requests that it holds now.
    pub remaining: u32,
    /// Seconds until it is full, rounded up.
    pub reset_seconds: u64,
    /// Seconds until a request may go on, rounded up, where this one may not.
    pub retry_after_seconds: Option<u64>,
}

impl Bucket {
    /// Takes a request out of the bucket, if it holds one. A refused request takes nothing. Where
    /// the rule has changed meanwhile, the new one counts for what is missing too.
    pub fn take(&mut self, now: u64, rule: Rule) -> Decision {
        let (rate, capacity) = (u64::from(rule.per_second), u64::from(rule.burst) * PARTS);
        // A nanosecond brings as many parts as a second brings requests.
        let gained = now.saturating_sub(self.at).saturating_mul(rate);
        self.missing = self.missing.saturating_sub(gained).min(capacity);
        self.at = self.at.max(now);
        let wanted = (self.missing + PARTS).saturating_sub(capacity);
        if wanted == 0 {
            self.missing += PARTS;
        }
        let seconds = |parts: u64| parts.div_ceil(rate * PARTS);
        Decision {
            limit: rule.burst,
            remaining: u32::try_from((capacity - self.missing) / PARTS).unwrap_or(u32::MAX),
            reset_seconds: seconds(self.missing),
            retry_after_seconds: (wanted > 0).then(|| seconds(wanted)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn rule(per_second: u32, burst: u32) -> Rule {
        Rule { per_second, burst }
    }

    fn stands(decision: Decision) -> (u32, u64, Option<u64>) {
        (decision.remaining, decision.reset_seconds, decision.retry_after_seconds)
    }

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let mut bucket = Bucket::default();
        let rule = rule(2, 3);
        let table = [
            (0, (2, 1, None)),
            (0, (1, 1, None)),
            (0, (0, 2, None)),
            (0, (0, 2, Some(1))),
            // Half a second brings one request, and a nanosecond less does not.
            (SECOND / 2 - 1, (0, 2, Some(1))),
            (SECOND / 2, (0, 2, None)),
            (SECOND / 2, (0, 2, Some(1))),
            // A clock that ran backwards gives nothing twice.
            (0, (0, 2, Some(1))),
            (SECOND, (0, 2, None)),
            // More than full it never gets.
            (100 * SECOND, (2, 1, None)),
        ];
        for (place, (now, expected)) in table.into_iter().enumerate() {
            assert_eq!(stands(bucket.take(now, rule)), expected, "line {place}");
        }
    }

    #[test]
    fn a_changed_rule_counts_at_once() {
        let mut bucket = Bucket::default();
        for _ in 0..100 {
            assert_eq!(bucket.take(0, rule(1, 100)).retry_after_seconds, None);
        }
        assert_eq!(stands(bucket.take(0, rule(1, 100))), (0, 100, Some(1)));
        // Nobody waits for what a former rule allowed at once.
        assert_eq!(stands(bucket.take(0, rule(1, 2))), (0, 2, Some(1)));
        assert_eq!(stands(bucket.take(SECOND, rule(1, 2))), (0, 2, None));
        assert_eq!(stands(bucket.take(SECOND, rule(1, 50))), (47, 3, None));
    }

    #[test]
    fn the_bounds_of_the_settings_fit() {
        let most = rule(1_000_000, 1_000_000);
        let mut bucket = Bucket::default();
        assert_eq!(stands(bucket.take(u64::MAX, most)), (999_999, 1, None));
        let slowest = rule(1, 1_000_000);
        let mut bucket = Bucket { missing: u64::MAX, at: 0 };
        assert_eq!(stands(bucket.take(0, slowest)), (0, 1_000_000, Some(1)));
    }

    proptest! {
        /// In no stretch of time does more go on than the burst and what that time brings, and who
        /// waits as long as told is let through.
        #[test]
        fn never_more_than_the_rule_and_never_a_false_promise(
            per_second in 1u32..20,
            burst in 1u32..20,
            steps in proptest::collection::vec(0..2 * SECOND, 1..200),
        ) {
            let rule = rule(per_second, burst);
            let mut bucket = Bucket::default();
            let (mut now, mut admitted) = (0, Vec::new());
            for step in steps {
                now += step;
                let decision = bucket.take(now, rule);
                match decision.retry_after_seconds {
                    None => admitted.push(now),
                    Some(seconds) => {
                        let mut later = bucket;
                        let decision = later.take(now + seconds * SECOND, rule);
                        prop_assert_eq!(decision.retry_after_seconds, None);
                    }
                }
                let mut later = bucket;
                let full = later.take(now + decision.reset_seconds * SECOND, rule);
                prop_assert_eq!(full.remaining, burst - 1);
            }
            for (place, begin) in admitted.iter().enumerate() {
                for (count, end) in (1..).zip(&admitted[place..]) {
                    let brought = u128::from(end - begin) * u128::from(per_second);
                    prop_assert!(count <= u128::from(burst) + brought / u128::from(SECOND));
                }
            }
        }
    }
}
