//! Everything that shards were ever told of campaigns, for judging again what happened under it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Campaign, Revision, Terms};
use crate::codes::CampaignNumber;

/// The terms of campaigns, by revision. Rules that stayed the same stand in memory once.
#[derive(Clone, Debug, Default)]
pub struct History(BTreeMap<CampaignNumber, Vec<Terms>>);

impl History {
    /// Adds a campaign as it became. A revision that is not later than those before adds nothing.
    pub fn add(&mut self, campaign: &Campaign) {
        self.add_terms(campaign.terms());
    }

    /// Adds what shards were told of a campaign, in the same way.
    pub fn add_terms(&mut self, mut terms: Terms) {
        let all = self.0.entry(terms.view.number).or_default();
        if let Some(last) = all.last() {
            if last.view.revision >= terms.view.revision {
                return;
            }
            if last.rules == terms.rules {
                terms.rules = last.rules.as_ref().map(Arc::clone);
            }
        }
        all.push(terms);
    }

    /// A campaign's terms at a revision.
    pub fn at(&self, campaign: CampaignNumber, revision: Revision) -> Option<&Terms> {
        let all = self.0.get(&campaign)?;
        all.get(all.binary_search_by_key(&revision, |terms| terms.view.revision).ok()?)
    }

    /// A campaign's first terms after a revision; with `None` its very first.
    pub fn after(&self, campaign: CampaignNumber, revision: Option<Revision>) -> Option<&Terms> {
        let all = self.0.get(&campaign)?;
        all.get(all.partition_point(|terms| Some(terms.view.revision) <= revision))
    }

    /// All campaigns as they became last, in the order of their numbers.
    pub fn latest(&self) -> impl Iterator<Item = &Terms> {
        self.0.values().filter_map(|all| all.last())
    }
}
