//! Finding out what became of claims of which nobody tells: their driver died, or an answer to it
//! is not known.

use std::rc::Rc;
use std::time::Duration;

use redeemd_domain::machine::Outcome;
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::shard::{
    Acknowledgement, Command, Fate, Forbid, PendingClaim, Query, Reply, Settle,
};

use super::{Books, Unreachable, delivering};
use crate::core::{Answer, Ask};
use crate::crash_point::CrashPoint;

/// How often is looked. A claim that is pending when it is looked the second time is old.
const INTERVAL: Duration = Duration::from_secs(1);

/// How many claims are resolved at a time.
const AT_ONCE: usize = 1_024;

/// Looks at all shards, again and again.
pub(super) async fn run(books: Rc<Books>) {
    let places = books.shards.places();
    let mut seen = vec![0; places];
    loop {
        actix::clock::sleep(INTERVAL).await;
        for (place, seen) in seen.iter_mut().enumerate() {
            let sequence = SequenceId::shard(u16::try_from(place).unwrap_or(u16::MAX));
            let Some(status) = books.status.sequence(sequence) else { continue };
            // One that cannot be asked is asked again the next time.
            if status.claims_pending.get() > 0 {
                let _ = resolve(&books, place, *seen).await;
            }
            if status.owed.get() > 0 {
                let _ = delivering::deliver(&books, place).await;
            }
            *seen = status.applied.get();
        }
    }
}

/// Resolves the claims of a shard up to an entry that are pending.
pub(super) async fn resolve(books: &Books, place: usize, through: u64) -> Result<(), Unreachable> {
    let shard = u16::try_from(place).map_err(|_| Unreachable)?;
    loop {
        let query = Query::PendingClaims { through, most: AT_ONCE };
        let reply = books.shards.ask(place, Ask::Tell(query)).await;
        let Answer::Reply(reply) = reply else { return Err(Unreachable) };
        let Reply::PendingClaims(pending) = *reply else { return Err(Unreachable) };
        if pending.is_empty() {
            return Ok(());
        }
        books.crash_points.at(CrashPoint::ClaimFound).await;
        let settle = ask_about(books, shard, &pending).await;
        books.crash_points.at(CrashPoint::Forbidden).await;
        let resolved = settle.settled.len() + settle.returned.len();
        books.status.claims_resolved.add(resolved as u64);
        let told = books.shards.insist(place, Command::Settle(settle)).await;
        if resolved < pending.len() || !matches!(told, Answer::Outcome(_)) {
            return Err(Unreachable);
        }
    }
}

/// Makes certain what became of claims, at the shards of their codes.
async fn ask_about(books: &Books, shard: u16, pending: &[PendingClaim]) -> Settle {
    let ask = |claim: &PendingClaim| {
        let forbid = Forbid { shard, number: claim.number, code: claim.code };
        let place = crate::directory::place_of(books.layout, claim.code.slot());
        (claim.number, books.shards.insist(place, Command::Forbid(forbid)))
    };
    let asked: Vec<_> = pending.iter().map(ask).collect();
    let mut settle = Settle::default();
    for (number, asked) in asked {
        match asked.await {
            Answer::Outcome(Outcome::Acknowledged(Acknowledgement::Attempted(Fate::Granted))) => {
                settle.settled.push(number);
            }
            Answer::Outcome(Outcome::Acknowledged(Acknowledgement::Attempted(Fate::Refused))) => {
                settle.returned.push(number);
            }
            _ => {}
        }
    }
    settle
}
