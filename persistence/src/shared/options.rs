//! Where Redis is, and how long it may take.

use std::fmt;
use std::time::Duration;

use crate::tls::Tls;

/// What the hosts are.
#[derive(Clone, PartialEq, Eq)]
pub enum Kind {
    /// One server.
    Server,
    /// Some nodes of a cluster.
    Cluster,
    /// Sentinels.
    Sentinel {
        /// The name under which they know the server.
        master: String,
        /// Their own password; empty: they have none.
        password: String,
    },
}

/// Where Redis is, and how long it may take.
#[derive(Clone)]
pub struct Options {
    /// What the hosts are.
    pub kind: Kind,
    /// Names or addresses, and ports; at least one.
    pub hosts: Vec<(String, u16)>,
    /// Who logs in; empty: the default user.
    pub user: String,
    /// The password; empty: none.
    pub password: String,
    /// The number of the database.
    pub database: u16,
    /// Where connections are made with TLS.
    pub tls: Option<Tls>,
    /// What the names of keys and channels begin with.
    pub prefix: String,
    /// After how long an answer is too late.
    pub slow: Duration,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
    /// Requests that may wait for an answer at once.
    pub max_in_flight: usize,
    /// The longest time between two attempts to go back.
    pub longest_delay: Duration,
}

impl fmt::Debug for Options {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Options").field("hosts", &self.hosts).finish_non_exhaustive()
    }
}
