//! What is tried when nothing is under way any more: whatever is left of a total is found by whoever
//! wants it, and nothing is what is found where nothing is left.

use redeemd_actors::bookkeeping::Lent;
use redeemd_domain::codes::CampaignNumber;

use crate::scheduler;
use crate::simulation::Simulation;

/// How often a share is asked for before it must be there.
const MOST_TRIES: usize = 4;

/// How long it is remembered that nothing was left, and some more.
const MEMORY_MS: u64 = 250;

impl Simulation {
    /// In every campaign with a total one of the shards wants a share.
    pub(crate) fn find_what_is_left(&mut self) {
        for (campaign, shard) in self.world.totals() {
            self.find_share(campaign, shard);
        }
    }

    fn find_share(&mut self, campaign: CampaignNumber, shard: u16) {
        for _ in 0..MOST_TRIES {
            self.world.pass(MEMORY_MS);
            let lent = self.borrow(campaign, shard);
            let (here, anywhere) = self.world.left_of(campaign, shard);
            match lent {
                Lent::Perhaps if here > 0 => return,
                Lent::Nothing => {
                    assert_eq!(anywhere, 0, "of {campaign} something is left and was not found");
                    return;
                }
                Lent::Perhaps | Lent::Unknown => {}
            }
        }
        panic!("shard {shard} waits for a share of {campaign} for ever");
    }

    fn borrow(&mut self, campaign: CampaignNumber, shard: u16) -> Lent {
        self.world.borrow_share(campaign, shard, 0);
        for _ in 0..100 {
            scheduler::drain(&mut self.world);
            if let Some((_, lent)) = self.world.lent.pop_front() {
                return lent;
            }
            self.world.pass(1);
        }
        panic!("whoever waits for a share of {campaign} is told nothing");
    }
}
