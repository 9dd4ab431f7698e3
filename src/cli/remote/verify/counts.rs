//! The counts of campaigns, which the server gives with the position at which they are exact,
//! compared with what the tables have up to there.

use std::time::Duration;

use serde::Deserialize;

use super::differences::Differences;
use crate::application::comparison::{Comparison, Counted};
use crate::cli::remote::session::Session;
use crate::http::PositionText;

/// How long the database may take to come to the position of a count. The server is always a moment
/// ahead.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many places of sequences are asked for at once.
const PLACES_AT_ONCE: usize = 20_000;

#[derive(Deserialize)]
struct Page {
    data: Vec<Campaign>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Campaign {
    id: String,
    counts: Counts,
}

#[derive(Deserialize)]
struct Counts {
    issued: u64,
    redeemed: u64,
    held: u64,
    revoked: u64,
    as_of: Option<String>,
}

/// How many campaigns were compared, and how many not, since the database was not there yet or the
/// campaign has changed since.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Compared {
    pub(super) compared: u64,
    pub(super) pending: u64,
}

/// Compares the counts of all campaigns; gives nothing where they cannot be, since outcomes are set
/// aside.
pub(super) fn compare(
    session: &mut Session,
    comparison: &mut Comparison,
    form: PositionText,
    differences: &mut Differences,
) -> anyhow::Result<Option<Compared>> {
    let limit = (PLACES_AT_ONCE / form.sequences().max(1)).clamp(1, 500);
    let (mut compared, mut cursor) = (Compared::default(), String::new());
    let mut patience = PATIENCE;
    loop {
        let answer = session.get(&format!("/api/v1/campaigns?limit={limit}{cursor}"))?;
        let page: Page = serde_json::from_slice(answer.body())?;
        let mut asked = Vec::new();
        let mut furthest = vec![0; form.sequences()];
        for campaign in &page.data {
            // One without a position was made this very moment.
            let Some(as_of) = &campaign.counts.as_of else { continue };
            let position = form.read(as_of);
            let position = position
                .ok_or_else(|| anyhow::anyhow!("{as_of} is no position of this data directory"))?;
            let through = position.numbers().to_vec();
            furthest.iter_mut().zip(&through).for_each(|(far, own)| *far = (*far).max(*own));
            asked.push(Counted { campaign: campaign.id.clone(), through });
        }
        if comparison.wait_for(&furthest, patience)? {
            let Some(found) = comparison.counts(&asked)? else { return Ok(None) };
            for Campaign { id, counts } in page.data {
                // One that is missing was told, and one that has changed since is for the next time.
                let Some(found) = found.get(&id) else { continue };
                let Some(issued) = found.issued else {
                    compared.pending += 1;
                    continue;
                };
                compared.compared += 1;
                for (name, server, database) in [
                    ("issued", counts.issued, issued),
                    ("redeemed", counts.redeemed, found.redeemed),
                    ("held", counts.held, found.held),
                    ("revoked", counts.revoked, found.revoked),
                ] {
                    let what = format!("counts.{name} of {id}");
                    differences.expect_equal(what, &server.to_string(), &database.to_string())?;
                }
            }
        } else {
            // It was waited for once; what follows is no nearer.
            patience = Duration::ZERO;
            compared.pending += asked.len() as u64;
        }
        match page.next_cursor {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(Some(compared)),
        }
    }
}
