//! The token bucket of one client: time in, decision out. It knows no clock.
//!
//! A full bucket lets so many requests through at once, and it fills at a steady rate. What is kept
//! is what is missing, so that a new client, whose bucket is full, is all zeros.

/// Parts of a request, so that what comes in during a nanosecond is a whole number of them.
const PARTS: u64 = 1_000_000_000;

/// See [`PARTS`].
const PARTS_OF_A_MILLIONTH: u64 = PARTS / 1_000_000;

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
        self.missing = self.missing_at(now, rule);
        self.at = self.at.max(now);
        let is_refused = self.missing + PARTS > capacity(rule);
        if !is_refused {
            self.missing += PARTS;
        }
        Decision::new(self.missing, is_refused, rule)
    }

    /// What the bucket will lack at a time, in millionths of a request, if nothing is taken.
    pub fn missing_millionths(&self, now: u64, rule: Rule) -> u64 {
        self.missing_at(now, rule) / PARTS_OF_A_MILLIONTH
    }

    /// Learns what it lacked at least at a time, in millionths of a request.
    pub fn learn(&mut self, at: u64, missing_millionths: u64, rule: Rule) {
        let missing = missing_millionths.saturating_mul(PARTS_OF_A_MILLIONTH);
        let now = self.at.max(at);
        let told = Self { missing, at }.missing_at(now, rule);
        *self = Self { missing: self.missing_at(now, rule).max(told), at: now };
    }

    fn missing_at(&self, now: u64, rule: Rule) -> u64 {
        // A nanosecond brings as many parts as a second brings requests.
        let gained = now.saturating_sub(self.at).saturating_mul(u64::from(rule.per_second));
        self.missing.saturating_sub(gained).min(capacity(rule))
    }
}

impl Decision {
    /// About a request after which so many parts of the bucket are missing; a refused one took none.
    fn new(missing: u64, is_refused: bool, rule: Rule) -> Self {
        let capacity = capacity(rule);
        let missing = missing.min(capacity);
        let seconds = |parts: u64| parts.div_ceil(u64::from(rule.per_second) * PARTS);
        let wanted = (missing + PARTS).saturating_sub(capacity);
        Self {
            limit: rule.burst,
            remaining: u32::try_from((capacity - missing) / PARTS).unwrap_or(u32::MAX),
            reset_seconds: seconds(missing),
            retry_after_seconds: is_refused.then(|| seconds(wanted).max(1)),
        }
    }

    /// The same, where what is missing is told in millionths of a request.
    pub fn of_millionths(missing: u64, is_refused: bool, rule: Rule) -> Self {
        Self::new(missing.saturating_mul(PARTS_OF_A_MILLIONTH), is_refused, rule)
    }
}

/// What a full bucket holds, in [`PARTS`].
fn capacity(rule: Rule) -> u64 {
    u64::from(rule.burst) * PARTS
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

    #[test]
    fn a_bucket_learns_the_worse_of_what_it_knows_and_is_told() {
        let rule = rule(2, 10);
        let mut bucket = Bucket::default();
        bucket.learn(SECOND, 4_000_000, rule);
        assert_eq!(bucket.missing_millionths(SECOND, rule), 4_000_000);
        assert_eq!(bucket.missing_millionths(2 * SECOND, rule), 2_000_000);
        // What was true before is less true now.
        let later = 2 * SECOND;
        assert_eq!(stands(bucket.take(later, rule)), (7, 2, None));
        bucket.learn(SECOND, 4_000_000, rule);
        assert_eq!(bucket.missing_millionths(later, rule), 3_000_000);
        bucket.learn(SECOND, 9_000_000, rule);
        assert_eq!(bucket.missing_millionths(later, rule), 7_000_000);
        // More than everything cannot be missing.
        bucket.learn(later, u64::MAX, rule);
        assert_eq!(stands(bucket.take(later, rule)), (0, 5, Some(1)));
    }

    #[test]
    fn what_is_told_in_millionths_is_the_same_decision() {
        let rule = rule(3, 2);
        let mut bucket = Bucket::default();
        for now in [0, 0, 0, SECOND / 7, SECOND / 2, SECOND / 2] {
            let decision = bucket.take(now, rule);
            let is_refused = decision.retry_after_seconds.is_some();
            let missing = bucket.missing_millionths(now, rule);
            assert_eq!(Decision::of_millionths(missing, is_refused, rule), decision);
        }
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
