//! Giving back to users what shards of codes owe them.

use std::rc::Rc;
use std::time::Duration;

use redeemd_domain::shard::{Command, Query, Reply};
use tokio::sync::{mpsc, oneshot};

use super::{Books, Unreachable};
use crate::core::{Answer, Ask};
use crate::crash_point::CrashPoint;

/// How many may wait for deliveries; others hear of theirs when the resolver has made them.
const MOST_WAITING: usize = 4_096;

/// How long somebody waits for a delivery.
const PATIENCE: Duration = Duration::from_secs(1);

/// Who waits for the deliveries of which shard.
pub(super) type Wish = (u16, oneshot::Sender<()>);

/// Where deliveries are asked for.
#[derive(Clone, Debug)]
pub(super) struct Wanted(mpsc::Sender<Wish>);

/// Where they are asked for, and where that is heard.
pub(super) fn wanted() -> (Wanted, mpsc::Receiver<Wish>) {
    let (sender, receiver) = mpsc::channel(MOST_WAITING);
    (Wanted(sender), receiver)
}

impl Wanted {
    /// Asks for what a shard owes to be delivered, and waits for it, but not for long.
    pub(super) async fn now(&self, shard: u16) {
        let (sender, receiver) = oneshot::channel();
        if self.0.try_send((shard, sender)).is_ok() {
            // Whatever comes of it: the resolver makes up for it.
            let _ = tokio::time::timeout(PATIENCE, receiver).await;
        }
    }
}

/// Delivers what is asked for.
pub(super) async fn run(books: Rc<Books>, mut wanted: mpsc::Receiver<Wish>) {
    while let Some((shard, waiting)) = wanted.recv().await {
        let mut waiting = vec![waiting];
        // What others wait for at the same shard is delivered with it.
        let mut others = Vec::new();
        while let Ok((other, sender)) = wanted.try_recv() {
            if other == shard { waiting.push(sender) } else { others.push((other, sender)) }
        }
        for (shard, waiting) in
            std::iter::once((shard, waiting)).chain(others.into_iter().map(|(s, w)| (s, vec![w])))
        {
            // One that cannot be asked is asked by the resolver.
            let _ = deliver(&books, shard.into()).await;
            for sender in waiting {
                // Whoever does not wait any more does not want to know.
                let _ = sender.send(());
            }
        }
    }
}

/// Delivers everything that a shard owes.
pub(super) async fn deliver(books: &Books, place: usize) -> Result<(), Unreachable> {
    let (mut from, mut result) = (0, Ok(()));
    loop {
        let reply = books.shards.ask(place, Ask::Tell(Query::Owed { from })).await;
        let Answer::Reply(reply) = reply else { return Err(Unreachable) };
        let Reply::Owed(owed) = *reply else { return Err(Unreachable) };
        let Some((shard, give_back)) = owed else { return result };
        books.crash_points.at(CrashPoint::OwedRead).await;
        let numbers = give_back.uses.iter().map(|owed| owed.number).collect();
        let given = books.shards.insist(shard.into(), Command::GiveBack(give_back)).await;
        if !matches!(given, Answer::Outcome(_)) {
            // The others need not wait for this one.
            result = Err(Unreachable);
            let Some(next) = shard.checked_add(1) else { return result };
            from = next;
            continue;
        }
        books.crash_points.at(CrashPoint::GivenBack).await;
        let delivered = Command::Delivered { shard, numbers };
        if !matches!(books.shards.insist(place, delivered).await, Answer::Outcome(_)) {
            return Err(Unreachable);
        }
    }
}
