//! Comparing a shard with its model: what it replies, and at the end everything that it knows.

use std::collections::BTreeMap;

use redeemd_domain::campaign::Terms;
use redeemd_domain::codes::CampaignNumber;
use redeemd_domain::machine::Machine as _;
use redeemd_domain::shard::{Campaign, Counts, Due, Extent, Hold, Query, Reply, Shard};
use redeemd_domain::timestamp::Timestamp;

use super::code_life::Redeemed;
use super::modelled::{Moment, Stamp};
use super::shard_model::ShardModel;

impl ShardModel {
    pub(super) fn check_reply(&self, query: &Query, reply: &Reply, at: Timestamp) {
        let stamp = Stamp { number: 0, at, moment: Moment::Foresight };
        let is_live = |hold: &&Hold| hold.expires_at > at;
        match (query, reply) {
            (Query::Validate { code, user }, Reply::Validated(told)) => {
                let user = user.as_deref().unwrap_or_default();
                let refusal = self.refusal(code, user, None, stamp);
                assert_eq!(told.err(), refusal, "{code:?} is judged otherwise");
                if let Ok(validated) = told {
                    assert_eq!(
                        Some(&validated.campaign),
                        self.terms(code).map(|terms| &terms.view)
                    );
                    assert_eq!(validated.state.uses, self.life(code).uses());
                    assert_eq!(validated.balance_left, self.left(code));
                }
            }
            (Query::Know(code), Reply::Known(known)) => {
                let terms = self.terms(code);
                assert_eq!(known.as_ref().map(|known| known.campaign), terms.map(|it| it.view));
                let Some(known) = known else { return };
                let life = self.life(code);
                let state = (known.state.uses, known.state.generation, known.state.revoked);
                assert_eq!(state, (life.uses(), life.generation(), life.revoked), "{code:?}");
                assert_eq!(known.balance_left, self.left(code), "{code:?}");
                assert!(known.holds.iter().eq(life.holds.iter().filter(is_live)), "{code:?}");
            }
            (Query::Hold(id), Reply::Held(told)) => {
                let mut holds = self.codes.values().flat_map(|life| &life.holds);
                let hold = holds.find(|hold| hold.id == *id);
                let due = |hold: &Hold| if is_live(&hold) { Due::Later } else { Due::Now };
                let expected = hold.map(|hold| (hold.clone(), due(hold)));
                assert_eq!(told.as_deref(), expected.as_ref(), "{id:?}");
            }
            (Query::Undone { code, number, .. }, Reply::Undone(told)) => {
                let redemptions = &self.life(code).redemptions;
                let redemption = redemptions.iter().find(|found| found.id.number == *number);
                assert_eq!(*told, extent(redemption.expect("it happened")), "{code:?} {number}");
            }
            (Query::Count(number), Reply::Counted { counts, .. }) => {
                let expected = self.counts().get(number).copied().unwrap_or_default();
                assert_eq!(*counts, expected, "the counts of campaign {number}");
            }
            (Query::PendingClaims { through, most }, Reply::PendingClaims(claims)) => {
                assert_eq!(*claims, self.pending(*through, *most));
            }
            (Query::Owed { from }, Reply::Owed(owed)) => assert_eq!(*owed, self.owed(*from)),
            (Query::Share(number), Reply::Share(share)) => {
                assert_eq!(*share, self.share(*number), "the share of {number}");
            }
            (query, reply) => panic!("{query:?} is replied to with {reply:?}"),
        }
    }

    pub(super) fn compare(&self, machine: &Shard) {
        for (key, life) in &self.codes {
            let found = machine.find(key);
            let state = found.map(|(_, state)| (state.uses, state.generation, state.revoked));
            let expected = Some((life.uses(), life.generation(), life.revoked));
            assert_eq!(state, expected, "the state has {key:?} otherwise");
            assert_eq!(machine.balance(key), self.left(key), "{key:?} is worth something else");
            assert!(machine.holds(key).eq(&life.holds), "{key:?} is held otherwise");
            for redemption in &life.redemptions {
                let Redeemed { id, generation, .. } = redemption;
                let told = machine.undone(key, *generation, id.number);
                assert_eq!(told, extent(redemption), "{redemption:?} of {key:?}");
            }
        }
        let held = self.codes.values().map(|life| life.holds.len() as u64).sum::<u64>();
        assert_eq!(machine.held(), held, "the holds of all codes");
        let terms =
            |campaign: &Campaign| Terms { view: campaign.view, rules: campaign.rules.clone() };
        let known: Vec<_> = machine.campaigns().map(terms).collect();
        assert_eq!(known, self.campaigns.values().cloned().collect::<Vec<_>>());
        for (number, share) in self.shares() {
            let known = machine.campaign(number).and_then(Campaign::share);
            assert_eq!(known, Some(share), "the share of {number}");
        }
        let counts = self.counts();
        for campaign in machine.campaigns() {
            let number = campaign.view.number;
            let expected = counts.get(&number).copied().unwrap_or_default();
            assert_eq!(campaign.counts, expected, "the counts of campaign {number}");
        }
    }

    /// What happened to the codes of each campaign, counted one by one.
    pub(super) fn counts(&self) -> BTreeMap<CampaignNumber, Counts> {
        let mut counts: BTreeMap<CampaignNumber, Counts> = BTreeMap::new();
        for (key, life) in &self.codes {
            let Some(terms) = self.terms(key) else { continue };
            let counts = counts.entry(terms.view.number).or_default();
            counts.redeemed += life.uses();
            counts.revoked += u64::from(life.revoked);
            counts.held += life.holds.len() as u64;
        }
        self.listed.values().for_each(|owner| counts.entry(*owner).or_default().listed += 1);
        counts
    }

    /// Asserts that no hold that should have ended is still there.
    pub(crate) fn check_nothing_is_due(&self, at: Timestamp) {
        let mut holds = self.codes.values().flat_map(|life| &life.holds);
        let due = holds.find(|hold| hold.expires_at <= at);
        assert_eq!(due, None, "a hold did not end by itself");
    }
}

/// How much of a redemption was undone, if anything.
fn extent(redemption: &Redeemed) -> Option<Extent> {
    match *redemption {
        Redeemed { is_undone: true, .. } => Some(Extent::Whole),
        Redeemed { returned: 0, .. } => None,
        Redeemed { returned, .. } => Some(Extent::Part { returned }),
    }
}
