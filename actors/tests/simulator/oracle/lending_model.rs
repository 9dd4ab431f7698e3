//! What the control sequence lent of the totals of campaigns, as a child would keep it.

use redeemd_domain::campaign::{Campaign, Revision};
use redeemd_domain::codes::CampaignNumber;
use redeemd_domain::control::{Acknowledgement, Command};
use redeemd_domain::rules::TotalLimit;
use redeemd_domain::shard::ShareBook;

use super::control_model::ControlModel;

/// The books of one total.
#[derive(Clone, Debug)]
pub(super) struct Lent {
    since: Revision,
    books: Vec<ShareBook>,
}

impl ControlModel {
    /// The books of a campaign's total as it is, if its shares are open, and what is left to grant.
    pub(crate) fn lent(&self, number: CampaignNumber) -> Option<(&[ShareBook], u64)> {
        let total = total(self.campaigns().get(number.0 as usize - 1)?)?;
        let lent = self.lent.get(&number).filter(|lent| lent.since == total.since)?;
        let have = |book: &ShareBook| book.base + book.granted - book.returned;
        let out: u64 = lent.books.iter().map(have).sum();
        Some((&lent.books, total.limit.saturating_sub(out)))
    }

    /// What must come of a step of lending, and what is kept afterwards; `None` where the command is
    /// no such step.
    pub(super) fn lend(
        &self,
        command: &Command,
    ) -> Option<(Acknowledgement, Option<(CampaignNumber, Lent)>)> {
        let not_open = Some((Acknowledgement::NotOpen, None));
        let (number, since, shard) = match command {
            Command::OpenShares { campaign, since, .. } => (*campaign, *since, 0),
            Command::GrantShare { campaign, since, shard, .. }
            | Command::RecordReturned { campaign, since, shard, .. } => (*campaign, *since, *shard),
            _ => return None,
        };
        let known = self.campaigns().get(number.0 as usize - 1).and_then(total);
        let Some(total) = known.filter(|total| total.since == since) else { return not_open };
        let mut books = match (self.lent(number), command) {
            (Some((books, _)), _) => books.to_vec(),
            (None, Command::OpenShares { bases, .. }) if !bases.is_empty() => {
                let book = |base: &u64| ShareBook { since, base: *base, ..ShareBook::default() };
                bases.iter().map(book).collect()
            }
            _ => return not_open,
        };
        let out = |books: &[ShareBook]| -> u64 {
            books.iter().map(|book| book.base + book.granted - book.returned).sum()
        };
        let left = total.limit.saturating_sub(out(&books));
        let book = &mut books[usize::from(shard)];
        match command {
            Command::GrantShare { granted, .. } => {
                book.granted += granted.saturating_sub(book.granted).min(left);
            }
            Command::RecordReturned { returned, .. } => {
                book.returned = book.returned.max(*returned);
            }
            _ => {}
        }
        let book = *book;
        let left = total.limit.saturating_sub(out(&books));
        let kept = (number, Lent { since, books });
        Some((Acknowledgement::Lent { book, left }, Some(kept)))
    }
}

fn total(campaign: &Campaign) -> Option<TotalLimit> {
    campaign.rules.as_ref()?.total_uses
}
