//! The buckets of all clients: a bounded number of them, shared by all threads.
//!
//! There are two maps. New buckets come into the young one; one that is asked for again comes over
//! from the old one. When the young one has its half of all, the old one, in which are those that
//! were not asked for the longest, is emptied and becomes the young one. So a bucket is found in a
//! step or two, none is ever searched for to be given up, and no thread has to clean up.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use dashmap::DashMap;
use redeemd_actors::status::Number;
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_persistence::shared::Taken;

use super::bucket::{Bucket, Decision, Rule};

/// The most clients that are remembered, about 48 bytes each. Whoever is forgotten begins with a
/// full bucket.
const MOST_CLIENTS: usize = 131_072;

/// The bits of an IPv6 address that its network gives out. The rest is for its owner to choose, and
/// stands for nobody in particular.
const NETWORK_BITS: u32 = 64;

/// Whom a bucket is for.
type Client = (ApiKeyNumber, IpAddr);

type Buckets = DashMap<Client, Bucket, ahash::RandomState>;

/// Decides how often each client may ask.
pub struct Limiter {
    /// How often the answer was no.
    pub refused: Number,
    begun: Instant,
    generations: [Buckets; 2],
    /// Which of the two is the young one.
    young: AtomicUsize,
    /// How many came into it.
    born: AtomicUsize,
    /// How many may.
    most: usize,
    turning: Mutex<()>,
}

impl Default for Limiter {
    fn default() -> Self {
        Self::for_at_most(MOST_CLIENTS)
    }
}

impl Limiter {
    fn for_at_most(clients: usize) -> Self {
        Self {
            refused: Number::default(),
            begun: Instant::now(),
            generations: [Buckets::default(), Buckets::default()],
            young: AtomicUsize::new(0),
            born: AtomicUsize::new(0),
            most: clients / 2,
            turning: Mutex::new(()),
        }
    }

    /// Whether a client, which has this API key and asks from this address, may ask now.
    pub fn decide(&self, key: ApiKeyNumber, address: IpAddr, rule: Rule) -> Decision {
        let decision = self.decide_at(self.now(), (key, network(address)), rule);
        if decision.retry_after_seconds.is_some() {
            self.refused.add(1);
        }
        decision
    }

    /// What this limiter knows of a client: when that is, and what its bucket lacks then, in
    /// millionths of a request.
    pub fn standing(&self, key: ApiKeyNumber, address: IpAddr, rule: Rule) -> (u64, u64) {
        let (now, client) = (self.now(), (key, network(address)));
        let missing = |buckets: &Buckets| {
            buckets.get(&client).map(|bucket| bucket.missing_millionths(now, rule))
        };
        (now, self.generations.iter().filter_map(missing).max().unwrap_or(0))
    }

    /// What was decided elsewhere about a request that was sent at a time of this limiter's: the
    /// client is known here too from then on.
    pub fn adopt(
        &self,
        (key, address): (ApiKeyNumber, IpAddr),
        rule: Rule,
        sent: u64,
        decided: &Taken,
    ) -> Decision {
        self.with_bucket((key, network(address)), |bucket| {
            bucket.learn(sent, decided.missing, rule)
        });
        let decision = Decision::of_millionths(decided.missing, decided.is_refused, rule);
        if decided.is_refused {
            self.refused.add(1);
        }
        decision
    }

    /// How many clients are remembered.
    pub fn clients(&self) -> usize {
        self.generations.iter().map(DashMap::len).sum()
    }

    /// Nanoseconds since this limiter was made.
    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn decide_at(&self, now: u64, client: Client, rule: Rule) -> Decision {
        self.with_bucket(client, |bucket| bucket.take(now, rule))
    }

    /// Does something with a client's bucket, and makes one where there is none.
    fn with_bucket<T>(&self, client: Client, act: impl FnOnce(&mut Bucket) -> T) -> T {
        let [first, second] = &self.generations;
        let (young, old) = match self.young.load(Ordering::Acquire) {
            0 => (first, second),
            _ => (second, first),
        };
        if let Some(mut bucket) = young.get_mut(&client) {
            return act(&mut bucket);
        }
        // Nothing is locked in between, since other threads may have the two the other way round. At
        // worst a client that asks at the moment of a turn gets a bucket too many, once.
        let former = old.remove(&client).map(|(_, bucket)| bucket).unwrap_or_default();
        let result = act(&mut young.entry(client).or_insert(former));
        if self.born.fetch_add(1, Ordering::Relaxed) + 1 >= self.most {
            self.turn();
        }
        result
    }

    /// Gives up the old generation. Where another thread is at it, it is waited for: whoever went on
    /// meanwhile could fill the young one without a bound.
    fn turn(&self) {
        let _turning = self.turning.lock().unwrap_or_else(PoisonError::into_inner);
        if self.born.load(Ordering::Relaxed) < self.most {
            return;
        }
        let old = 1 - self.young.load(Ordering::Acquire).min(1);
        if let Some(buckets) = self.generations.get(old) {
            buckets.clear();
        }
        self.born.store(0, Ordering::Relaxed);
        self.young.store(old, Ordering::Release);
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Limiter").field("clients", &self.clients()).finish_non_exhaustive()
    }
}

/// What of an address stands for a client.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let bits = u128::from(address) >> NETWORK_BITS << NETWORK_BITS;
            IpAddr::V6(Ipv6Addr::from(bits))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const RULE: Rule = Rule { per_second: 1, burst: 2 };

    fn client(number: u32) -> Client {
        (ApiKeyNumber(1), IpAddr::V4(Ipv4Addr::from(number)))
    }

    fn is_refused(limiter: &Limiter, client: Client) -> bool {
        limiter.decide_at(0, client, RULE).retry_after_seconds.is_some()
    }

    #[test]
    fn clients_do_not_share_a_bucket() {
        let limiter = Limiter::default();
        let decide = |key, address: &str| {
            let address = address.parse().unwrap();
            // A rule so slow that no test takes long enough for a second.
            let rule = Rule { per_second: 1, burst: 1_000_000 };
            1_000_000 - limiter.decide(ApiKeyNumber(key), address, rule).remaining
        };
        assert_eq!(decide(1, "192.0.2.1"), 1);
        assert_eq!(decide(1, "192.0.2.2"), 1);
        assert_eq!(decide(2, "192.0.2.1"), 1);
        assert_eq!(decide(3, "2001:db8::1"), 1);
        assert_eq!(decide(3, "2001:db8:0:1::1"), 1);
        assert_eq!(limiter.clients(), 5);
        // One network is one client, and an address is the same in either of its forms.
        decide(3, "2001:db8::ffff:1");
        decide(1, "::ffff:192.0.2.1");
        assert_eq!(limiter.clients(), 5);
    }

    #[test]
    fn what_is_refused_is_counted() {
        let limiter = Limiter::default();
        for _ in 0..5 {
            limiter.decide(ApiKeyNumber(1), Ipv4Addr::LOCALHOST.into(), Rule { burst: 1, ..RULE });
        }
        // A slow machine may let some more through.
        assert!((1..=4).contains(&limiter.refused.get()), "{}", limiter.refused.get());
    }

    #[test]
    fn the_table_is_bounded_and_forgets_those_that_ask_no_more() {
        let limiter = Limiter::for_at_most(64);
        let (busy, idle) = (client(0), client(1));
        for client in [busy, busy, idle, idle] {
            assert!(!is_refused(&limiter, client));
        }
        for number in 2..10_000 {
            assert!(!is_refused(&limiter, client(number)), "a new client");
            assert!(limiter.clients() <= 64, "{}", limiter.clients());
            assert!(is_refused(&limiter, busy), "it was never long away: {number}");
        }
        assert!(!is_refused(&limiter, idle), "it was forgotten");
    }

    #[test]
    fn many_threads_may_ask_at_once() {
        let limiter = Limiter::for_at_most(64);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let limiter = &limiter;
                scope.spawn(move || {
                    for number in 0..20_000 {
                        is_refused(limiter, client(number * (thread + 1) % 1_000));
                    }
                });
            }
        });
        // Each thread may have been at a map that was full already, and at one that had just become
        // the old one.
        assert!(limiter.clients() <= 64 + 2 * 4, "{}", limiter.clients());
    }
}
