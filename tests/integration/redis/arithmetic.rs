//! The script that Redis runs decides as the bucket does that a server keeps for itself.

use std::cell::{Cell, RefCell};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use redeemd::limits::{Bucket, Rule};

use crate::support::{Redis, Talk};

/// Microseconds since 1970, of today.
const TODAY: u64 = 1_790_000_000_000_000;

/// The script, on a clock of the test's. Keys live for ever: their clock is not the test's.
fn script() -> String {
    let script = include_str!("../../../persistence/src/shared/attempt.lua");
    let life = ", 'PX', math.max(math.ceil(missing / rate / 1000), 1)";
    assert!(script.contains("redis.call('TIME')") && script.contains(life));
    script.replace("redis.call('TIME')", "{ ARGV[4], ARGV[5] }").replace(life, "")
}

/// One attempt, at a time.
struct Asked<'a> {
    key: &'a str,
    rule: Rule,
    known: u64,
    at: u64,
}

fn take(talk: &mut Talk, script: &str, asked: &Asked<'_>) -> String {
    let Asked { key, rule, known, at } = asked;
    let numbers =
        [u64::from(rule.per_second), u64::from(rule.burst), *known, at / 1_000_000, at % 1_000_000];
    let numbers = numbers.map(|number| number.to_string());
    let mut words = vec!["EVAL", script, "1", key];
    words.extend(numbers.iter().map(String::as_str));
    talk.ask(&words).unwrap()
}

#[test]
fn the_script_and_the_bucket_decide_alike() {
    let redis = Redis::start();
    let talk = RefCell::new(Talk::open(redis.port).unwrap());
    let script = script();
    let known = prop_oneof![4 => Just(0u64), 1 => 0u64..25_000_000];
    let steps = prop::collection::vec((0u64..3_000_000, 1usize..5, known), 1..40);
    let rates = prop_oneof![1u32..10, 1u32..=1_000_000];
    let number = Cell::new(0);
    let config = Config { cases: 50, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&(rates, 1u32..20, steps), |(rate, burst, steps)| {
        number.set(number.get() + 1);
        let key = format!("bucket-{}", number.get());
        let rule = Rule { per_second: rate, burst };
        let mut bucket = Bucket::default();
        let mut at = TODAY;
        for (step, times, known) in steps {
            at += step;
            for _ in 0..times {
                bucket.learn(at * 1_000, known, rule);
                let decision = bucket.take(at * 1_000, rule);
                let refused = u8::from(decision.retry_after_seconds.is_some());
                let missing = bucket.missing_millionths(at * 1_000, rule);
                let asked = Asked { key: &key, rule, known, at };
                let answer = take(&mut talk.borrow_mut(), &script, &asked);
                prop_assert_eq!(answer, format!("{refused}\n{missing}"), "{} {:?}", at, rule);
            }
        }
        Ok(())
    });
    // A failure prints its smallest case.
    result.unwrap();
}

#[test]
fn a_clock_that_leaps_refuses_nobody_for_long() {
    let redis = Redis::start();
    let mut talk = Talk::open(redis.port).unwrap();
    let script = script();
    let rule = Rule { per_second: 1, burst: 2 };
    let back = TODAY - 3_600_000_000;
    let table = [
        (TODAY, "0\n1000000"),
        (TODAY, "0\n2000000"),
        (TODAY, "1\n2000000"),
        // An hour back: nothing is given twice, and the bucket fills from then on.
        (back, "1\n2000000"),
        (back + 999_999, "1\n1000001"),
        (back + 1_000_000, "0\n2000000"),
        // A day ahead: it is full, and no fuller.
        (TODAY + 86_400_000_000, "0\n1000000"),
    ];
    for (place, (at, expected)) in table.into_iter().enumerate() {
        let asked = Asked { key: "bucket", rule, known: 0, at };
        assert_eq!(take(&mut talk, &script, &asked), expected, "line {place}");
    }
}
