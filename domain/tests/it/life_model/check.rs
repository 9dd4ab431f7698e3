//! Whether a shard knows what the lists say.

use std::collections::BTreeMap;

use redeemd_domain::machine::Machine;
use redeemd_domain::shard::{Extent, Hold, Shard};

use super::{Model, Redeemed};
use crate::life_history::{GIFT, PLAIN, listed, sealed};

impl Model {
    /// Asserts that every sum balances and that the shard knows what this model knows.
    pub(crate) fn check(&self, shard: &Shard) {
        let (mut redeemed, mut held) = (BTreeMap::new(), BTreeMap::new());
        for redemption in &self.redemptions {
            let Redeemed { code, generation, id, .. } = redemption;
            let campaign = self.view(code).unwrap().number;
            *redeemed.entry(campaign).or_insert(0) += u64::from(!redemption.is_undone);
            let extent = match redemption {
                Redeemed { is_undone: true, .. } => Some(Extent::Whole),
                Redeemed { returned: 0, .. } => None,
                Redeemed { returned, .. } => Some(Extent::Part { returned: *returned }),
            };
            assert_eq!(shard.undone(code, *generation, id.number), extent, "{redemption:?}");
        }
        for hold in &self.holds {
            *held.entry(hold.campaign).or_insert(0) += 1;
            assert_eq!(shard.hold(hold.id), Some(hold));
        }
        assert_eq!(shard.held(), self.holds.len() as u64);
        for campaign in shard.campaigns() {
            let number = campaign.view.number;
            let counted = |counts: &BTreeMap<_, u64>| counts.get(&number).copied().unwrap_or(0);
            assert_eq!(campaign.counts.redeemed, counted(&redeemed));
            assert_eq!(campaign.counts.held, counted(&held));
        }
        let codes = [PLAIN, GIFT]
            .into_iter()
            .flat_map(|campaign| [0, 1].map(|index| sealed(campaign, index)));
        for code in codes.chain([listed()]) {
            let (_, state) = shard.find(&code).unwrap();
            assert_eq!((state.uses, state.generation), (self.uses(&code), self.generation(&code)));
            assert_eq!(state.revoked, self.revoked.get(&code) == Some(&true));
            assert_eq!(shard.balance(&code), self.left(&code), "{code:?}");
            let holds: Vec<_> = self.holds.iter().filter(|hold| hold.code == code).collect();
            assert_eq!(shard.holds(&code).collect::<Vec<_>>(), holds);
            for user in ["ada", "zoe"] {
                let told = shard.validate(&code, Some(user), shard.time());
                let is_due = |hold: &&Hold| hold.is_due(shard.time());
                if !self.holds.iter().any(|hold| is_due(&hold)) {
                    assert_eq!(told.err(), self.refusal(&code, user, None).err(), "{code:?}");
                }
            }
        }
    }
}
