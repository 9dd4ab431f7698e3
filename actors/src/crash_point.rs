//! The places at which a crash leaves one of the protocols between sequences half done, by name, so
//! that a test can crash a node at each of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use redeemd_domain::shard::Fate;
use tokio::sync::Notify;

/// A place between two steps of a protocol. What the first of them did is journaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum CrashPoint {
    /// A user's use is claimed, and the code's shard does not know.
    Claimed = 1,
    /// The code is redeemed with the claim, and the user's shard does not know.
    Redeemed,
    /// The code's shard refused the attempt, and the claim is not returned.
    AttemptRefused,
    /// Claims are known to be settled or returned, and their shard was not told.
    SettleGathered,
    /// Claims are settled or returned.
    Settled,
    /// A claim was found whose driver is gone, and nobody was asked about it.
    ClaimFound,
    /// It is certain what became of such a claim, and its shard was not told.
    Forbidden,
    /// Uses that are owed to users were read, and nobody was told.
    OwedRead,
    /// They were given back, and the shard that owed them does not know.
    GivenBack,
    /// The shards said what they had used of a new total, and its shares are not open.
    BasesKnown,
    /// The shares are open, and nothing is granted.
    SharesOpened,
    /// A share is granted, and its shard does not know.
    ShareGranted,
    /// The shard has its share, and those who wait for it do not know.
    ShareTaken,
    /// A shard gave back what it had left, and the control sequence does not know.
    ShareReturned,
    /// The control sequence knows what was given back.
    ReturnRecorded,
}

impl CrashPoint {
    /// Where what became of an attempt is known, and its claim is not settled.
    pub const fn after_attempt(fate: Fate) -> Self {
        match fate {
            Fate::Granted => Self::Redeemed,
            Fate::Refused => Self::AttemptRefused,
        }
    }

    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Claimed,
        Self::Redeemed,
        Self::AttemptRefused,
        Self::SettleGathered,
        Self::Settled,
        Self::ClaimFound,
        Self::Forbidden,
        Self::OwedRead,
        Self::GivenBack,
        Self::BasesKnown,
        Self::SharesOpened,
        Self::ShareGranted,
        Self::ShareTaken,
        Self::ShareReturned,
        Self::ReturnRecorded,
    ];
}

/// The crash points of one node. Nothing happens at any of them unless a test asked for it.
#[derive(Clone, Debug, Default)]
pub struct CrashPoints(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// At which point whoever comes there stops; 0 for none.
    armed: AtomicU8,
    reached: Notify,
    let_on: Notify,
}

impl CrashPoints {
    /// Lets whoever comes to a point stop there, as if the process had died.
    pub fn arm(&self, point: CrashPoint) {
        self.0.armed.store(point as u8, Ordering::Release);
    }

    /// Waits until somebody has come to the point.
    pub async fn reached(&self) {
        self.0.reached.notified().await;
    }

    /// Lets whoever stopped go on, as if nothing had been but slow.
    pub fn let_on(&self) {
        self.0.armed.store(0, Ordering::Release);
        self.0.let_on.notify_waiters();
    }

    /// Says that a point is reached.
    pub async fn at(&self, point: CrashPoint) {
        if self.0.armed.load(Ordering::Acquire) == point as u8 {
            // Waits from here on, before anybody can hear that the point is reached.
            let let_on = self.0.let_on.notified();
            self.0.reached.notify_one();
            let_on.await;
        }
    }
}
