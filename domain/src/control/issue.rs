//! Issuing codes, and what came of bringing codes in.

use std::sync::Arc;

use super::apply::Result;
use super::import::{Import, MAX_REJECTED_ROWS, MAX_REMARKED_LINES, Remarks};
use super::{Control, Event, Purpose, Refusal};
use crate::campaign::{
    Campaign, Codes, MAX_ISSUED, MAX_SKIPPED, Revision, Status, most_of_pattern,
};
use crate::codes::{CampaignNumber, Pattern};

impl Control {
    /// What a campaign with this pattern takes when it is made.
    pub(super) fn pattern(&self, pattern: Pattern, allow_guessable: bool) -> Result<Codes> {
        if most_of_pattern(&pattern, allow_guessable) == 0 {
            return Err(Refusal::PatternTooSmall);
        }
        let newest = |purpose| self.newest_secret(purpose).ok_or(Refusal::NoPatternKey);
        let (key, pepper) = (newest(Purpose::PatternKey)?, newest(Purpose::Pepper)?);
        Ok(Codes::Pattern { pattern, key, pepper, allow_guessable, skipped: Vec::new() })
    }

    pub(super) fn issue(&mut self, number: CampaignNumber, count: u64) -> Result<Option<Event>> {
        let campaign = self.campaigns.get(&number).ok_or(Refusal::NotFound)?;
        if campaign.status == Status::Archived {
            return Err(Refusal::CampaignArchived);
        }
        if !matches!(campaign.codes, Codes::Sealed { .. }) {
            return Err(Refusal::CodesNotGenerated);
        }
        if count == 0 {
            return Ok(None);
        }
        let first = campaign.issued;
        let issued = first.checked_add(count).filter(|&issued| issued <= MAX_ISSUED);
        let mut changed = Campaign::clone(campaign);
        changed.issued = issued.ok_or(Refusal::TooManyCodes)?;
        changed.revision = Revision(changed.revision.0.saturating_add(1));
        self.campaigns.insert(number, Arc::new(changed.clone()));
        Ok(Some(Event::Issued { campaign: Box::new(changed), first, count }))
    }

    pub(super) fn issue_pattern(
        &mut self,
        number: CampaignNumber,
        first: u64,
        span: u64,
        skipped: Vec<u64>,
    ) -> Result<Option<Event>> {
        let campaign = self.campaigns.get(&number).ok_or(Refusal::NotFound)?;
        if campaign.status == Status::Archived {
            return Err(Refusal::CampaignArchived);
        }
        let Codes::Pattern { pattern, .. } = &campaign.codes else {
            return Err(Refusal::CodesNotGenerated);
        };
        let end = first.checked_add(span).filter(|_| first == campaign.issued);
        let end = end.filter(|&end| are_within(&skipped, first, end));
        let end = end.ok_or(Refusal::IndicesNotNext)?;
        if span == 0 {
            return Ok(None);
        }
        let has_indices = u128::from(end) <= pattern.possible() && end <= MAX_ISSUED;
        let mut changed = Campaign::clone(campaign);
        changed.issued = end;
        changed.revision = Revision(changed.revision.0.saturating_add(1));
        if let Codes::Pattern { skipped: known, .. } = &mut changed.codes {
            known.extend(skipped);
        }
        if !has_indices || changed.issued_from(0) > changed.codes.most() {
            return Err(Refusal::PatternTooSmall);
        }
        if changed.skipped().len() > MAX_SKIPPED {
            return Err(Refusal::TooManySkipped);
        }
        self.campaigns.insert(number, Arc::new(changed.clone()));
        Ok(Some(Event::PatternIssued { campaign: Box::new(changed), first, span }))
    }

    /// Keeps what came of an import, of an archived campaign, too: its codes are there already.
    pub(super) fn record_import(&self, number: CampaignNumber, import: Import) -> Result<Event> {
        let import = self.import_into(number, import)?;
        Ok(Event::Imported { campaign: number, import })
    }

    /// As [`Control::record_import`], with what stood out.
    pub(super) fn keep_import(
        &self,
        number: CampaignNumber,
        import: Import,
        mut remarks: Remarks,
    ) -> Result<Event> {
        let import = self.import_into(number, import)?;
        remarks.elsewhere_lines.truncate(MAX_REMARKED_LINES);
        Ok(Event::ImportKept { campaign: number, import, remarks })
    }

    fn import_into(&self, number: CampaignNumber, mut import: Import) -> Result<Import> {
        let campaign = self.campaigns.get(&number).ok_or(Refusal::NotFound)?;
        if campaign.codes != Codes::Imported {
            return Err(Refusal::CodesNotImported);
        }
        import.rejected.truncate(MAX_REJECTED_ROWS);
        Ok(import)
    }
}

/// Whether indices rise and lie within a range.
fn are_within(indices: &[u64], first: u64, end: u64) -> bool {
    indices.iter().all(|index| (first..end).contains(index)) && indices.is_sorted_by(|a, b| a < b)
}
