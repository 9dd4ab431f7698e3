//! How Redis does, where attempts are to be counted in it.

use redeemd_persistence::shared::{Standing, Trouble};

use super::facts::{check, part};
use super::{Finding, Part};
use crate::limits::Sharing;

/// What is known of Redis at one moment.
#[derive(Clone, Debug)]
pub(super) struct RedisFacts {
    pub(super) standing: Standing,
    pub(super) in_flight: u64,
    pub(super) slow_ms: u64,
}

impl RedisFacts {
    /// Looks at it; `None` where nothing is to be shared.
    pub(super) fn gather(sharing: &Sharing) -> Option<Self> {
        let link = sharing.link()?;
        Some(Self {
            standing: link.standing(),
            in_flight: link.in_flight() as u64,
            slow_ms: u64::try_from(link.slow().as_millis()).unwrap_or(u64::MAX),
        })
    }

    /// What it means.
    pub(super) fn judge(self) -> Part {
        let Standing { trouble, age } = self.standing;
        let finding = trouble.as_ref().map(|trouble| match trouble {
            Trouble::Slow => Finding::RedisSlow,
            Trouble::Away(_) => Finding::RedisAway,
            Trouble::Refused(_) => Finding::RedisRefused,
        });
        let unused = finding.map_or(0, |_| age.as_secs());
        let checks = vec![
            check("not_used", unused, None, "seconds"),
            check("in_flight", self.in_flight, None, "requests"),
            check("bound", self.slow_ms, None, "milliseconds"),
        ];
        Part { note: trouble.map(|trouble| trouble.to_string()), ..part("redis", finding, checks) }
    }
}
