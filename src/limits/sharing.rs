//! Counting attempts together with other servers, as long as what they share is quick; and for
//! oneself otherwise.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use redeemd_actors::status::{Durations, Number};
use redeemd_domain::identifier::ApiKeyId;
use redeemd_persistence::shared::{Attempt, Link};

use super::bucket::{Decision, Rule};
use super::limiter::{Limiter, network};

/// What is shared with other servers, if anything is.
#[derive(Debug, Default)]
pub struct Sharing {
    link: OnceLock<Arc<Link>>,
    /// Attempts that were counted together with other servers.
    pub together: Number,
    /// Attempts that this server counted for itself although it shall share.
    pub alone: Number,
    /// How long the answers took that came in time.
    pub round_trips: Durations,
}

impl Sharing {
    /// Shares from now on. Only the first time counts.
    pub fn begin(&self, link: Arc<Link>) {
        self.link.get_or_init(|| link);
    }

    /// The way to what is shared.
    pub fn link(&self) -> Option<&Arc<Link>> {
        self.link.get()
    }

    /// Whether a client, which has this API key and asks from this address, may ask now. Waits for
    /// others no longer than the link's bound.
    pub async fn decide(
        &self,
        limiter: &Limiter,
        key: ApiKeyId,
        address: IpAddr,
        rule: Rule,
    ) -> Decision {
        let Some(link) = self.link.get() else { return limiter.decide(key.number, address, rule) };
        if !link.is_used() {
            self.alone.add(1);
            return limiter.decide(key.number, address, rule);
        }
        // The time before the question: so what is learned from the answer is never too much, and
        // what the time of the question brings the client is not lost.
        let (sent, missing) = limiter.standing(key.number, address, rule);
        let Rule { per_second, burst } = rule;
        let client = format!("{key}:{}", network(address));
        let begun = Instant::now();
        let taken = link.take(&client, Attempt { per_second, burst, missing }).await;
        match taken {
            Some(taken) => {
                self.together.add(1);
                self.round_trips.observe(begun.elapsed());
                limiter.adopt((key.number, address), rule, sent, &taken)
            }
            None => {
                self.alone.add(1);
                limiter.decide(key.number, address, rule)
            }
        }
    }
}
