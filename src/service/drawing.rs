//! Issuing codes of a pattern: drawn, listed in their shards, and only then issued.
//!
//! So a code that is handed out can be redeemed. What a crash leaves in between, codes that are
//! listed and were never handed out, the next issuing takes over: they are the next indices, and
//! their shards say that they belong to this very campaign.

use redeemd_domain::campaign::{Campaign, Codes, MAX_ISSUED, MAX_SKIPPED, Status};
use redeemd_domain::codes::CampaignNumber;
use redeemd_domain::control::{Asked, Command, Refusal};
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::machine::Recollection;

use super::error::{Error, PatternRoom, Resource};
use super::issuing::Issued;
use super::lister::Lister;
use super::worker::Worker;

/// How often issuing begins anew, because somebody else issued in between.
const MOST_ATTEMPTS: usize = 8;

/// How many codes are listed before the shards' answers decide how many more are needed.
const LISTED_AT_ONCE: u64 = 32_768;

/// How many codes are drawn before others get their turn on this thread.
const DRAWN_AT_ONCE: u64 = 512;

/// Indices whose codes are listed.
struct Listed {
    span: u64,
    skipped: Vec<u64>,
}

impl Worker {
    /// Issues the next codes of a campaign that has a pattern.
    pub(super) async fn draw(
        &self,
        number: CampaignNumber,
        count: u64,
        asked: Asked,
    ) -> Result<Issued, Error> {
        let _turn = self.inner().turns.take(number).await;
        if let Some(request) = asked.request
            && let Some(record) = self.answer_to(&request.digest).await?
        {
            return match Recollection::of(record, &request) {
                Recollection::Answered(record) => self.issued(Some(&record), true),
                Recollection::Reused | Recollection::Unknown => {
                    Err(Error::ControlRefused(Refusal::IdempotencyKeyReused))
                }
            };
        }
        for _ in 0..MOST_ATTEMPTS {
            let campaign = self.view().campaign(number).cloned();
            let campaign = campaign.ok_or(Error::NotFound(Resource::Campaign))?;
            if campaign.status == Status::Archived {
                return Err(Error::ControlRefused(Refusal::CampaignArchived));
            }
            let Listed { span, skipped } = self.list_next(&campaign, count, asked.api_key).await?;
            let first = campaign.issued;
            let command = Command::IssuePattern { campaign: number, first, span, skipped, asked };
            match self.change(command, Some(number)).await {
                Ok(changed) => return self.issued(changed.record.as_deref(), changed.is_replayed),
                Err(Error::ControlRefused(Refusal::IndicesNotNext)) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::Overloaded)
    }

    /// Lists the codes of a campaign's next indices, until so many of them are the campaign's.
    async fn list_next(
        &self,
        campaign: &Campaign,
        count: u64,
        api_key: ApiKeyNumber,
    ) -> Result<Listed, Error> {
        let room = PatternRoom::of(campaign);
        if count > room.left {
            return Err(Error::PatternTooSmall(room));
        }
        let number = campaign.id.number;
        let mut lister = Lister::new(self, number, api_key)?;
        let mut ours = 0;
        let mut next = campaign.issued;
        let mut skipped = Vec::new();
        while ours < count {
            let wanted = (count - ours).min(LISTED_AT_ONCE);
            if u128::from(next) + u128::from(wanted) > room.possible.min(MAX_ISSUED.into()) {
                // The rest of the indices, if there are any, has codes that exist elsewhere.
                return Err(Error::PatternTooSmall(PatternRoom { left: ours, ..room }));
            }
            let before = lister.listed();
            self.list_indices(campaign, next, wanted, &mut lister, &mut skipped).await?;
            lister.finish().await?;
            ours += lister.listed() - before;
            next += wanted;
            let duplicates = lister.take_duplicates();
            let owners = self.owners(duplicates.iter().map(|&(digest, _)| digest)).await?;
            for ((_, index), owner) in duplicates.into_iter().zip(owners) {
                if owner == Some(number) {
                    ours += 1;
                } else {
                    skipped.push(index);
                }
            }
            if campaign.skipped().len() + skipped.len() > MAX_SKIPPED {
                return Err(Error::ControlRefused(Refusal::TooManySkipped));
            }
        }
        skipped.sort_unstable();
        Ok(Listed { span: next - campaign.issued, skipped })
    }

    /// Hands the codes of some indices to the lister, but for those that are skipped since they
    /// exist under another pepper.
    async fn list_indices(
        &self,
        campaign: &Campaign,
        first: u64,
        count: u64,
        lister: &mut Lister<u64>,
        skipped: &mut Vec<u64>,
    ) -> Result<(), Error> {
        let Codes::Pattern { pepper: number, .. } = campaign.codes else {
            return Err(Error::ControlRefused(Refusal::CodesNotGenerated));
        };
        let view = self.view();
        let pepper = view.keys().pepper(number);
        let pepper =
            pepper.ok_or_else(|| Error::internal(format!("pepper {number} is missing")))?;
        // No index from the campaign's `issued` on is skipped yet, so these are consecutive.
        let mut codes = self.range(campaign, first, count)?;
        while codes.count() > 0 {
            let piece = codes.take(DRAWN_AT_ONCE);
            let drawn = piece.normalised();
            let elsewhere = self.known_elsewhere(number, drawn.iter()).await?;
            for ((index, code), elsewhere) in (piece.first()..).zip(&drawn).zip(elsewhere) {
                if elsewhere.is_some() {
                    skipped.push(index);
                } else {
                    lister.add(pepper.digest(code), index);
                }
            }
            lister.make_room().await?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}
