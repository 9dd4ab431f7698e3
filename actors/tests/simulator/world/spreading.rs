//! Telling the shards of campaigns: what changed, and after a start what they missed.

use redeemd_actors::core::{Answer, Ask, Token};
use redeemd_domain::campaign::Terms;
use redeemd_domain::shard::Command;

use super::World;
use crate::dice::Dice as _;
use crate::oracle::ClientAnswer;
use crate::station::HOUSEHOLD;

/// A campaign that a shard is to be told of.
#[derive(Clone, Debug)]
pub(crate) struct Spread {
    pub(super) shard: u16,
    pub(super) terms: Terms,
    pub(super) ticket: Option<u64>,
}

impl World {
    /// Every shard is to be told of a campaign.
    pub(crate) fn spread(&mut self, terms: &Terms) {
        let shards = 0..self.plan.layout.shards();
        self.spreads.extend(shards.map(|shard| Spread {
            shard,
            terms: terms.clone(),
            ticket: None,
        }));
    }

    /// Tells a shard of a campaign that waits for it.
    pub(crate) fn go_on_spreading(&mut self) -> bool {
        let idle = self.spreads.iter().filter(|spread| spread.ticket.is_none()).count();
        if idle == 0 {
            return false;
        }
        let place = self.random.place(idle);
        self.next_ticket += 1;
        let ticket = self.next_ticket;
        let mut waiting = self.spreads.iter_mut().filter(|spread| spread.ticket.is_none());
        let Some(spread) = waiting.nth(place) else { return false };
        spread.ticket = Some(ticket);
        let (shard, terms) = (spread.shard, spread.terms.clone());
        let token = Token { port: HOUSEHOLD, ticket };
        self.send_to_shard(shard, token, Ask::Do(Command::put(terms)));
        true
    }

    /// An answer to whoever tells the shards of campaigns.
    pub(crate) fn hear_spread(&mut self, ticket: u64, answer: &ClientAnswer) {
        let found = self.spreads.iter().position(|spread| spread.ticket == Some(ticket));
        let (Some(place), ClientAnswer::Shard(answer)) = (found, answer) else { return };
        if !matches!(answer, Answer::Outcome(_)) {
            self.spreads[place].ticket = None;
            return;
        }
        let Spread { shard, terms, .. } = self.spreads.swap_remove(place);
        let view = terms.view;
        let known = self.shards[usize::from(shard)].history.model().campaign(view.number);
        assert!(
            known.is_some_and(|known| known.view.revision >= view.revision),
            "shard {shard} said that it knows {view:?}, but it knows {known:?}"
        );
    }

    /// After a start every shard knows every campaign as it is.
    pub(crate) fn compare_campaigns(&self) {
        for campaign in self.control.history.model().campaigns() {
            for station in &self.shards {
                let known = station.history.model().campaign(campaign.id.number);
                assert_eq!(known, Some(&campaign.terms()), "{} was not told", station.sequence);
            }
        }
    }
}
