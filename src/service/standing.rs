//! What became of redemptions since: whether they were rolled back, and when.

use redeemd_domain::shard::{Extent, Query, Reply};
use redeemd_domain::timestamp::Timestamp;

use super::asking::reply;
use super::error::Error;
use super::redeeming::Redeemed;
use super::worker::Worker;

/// What became of a redemption. By default nothing did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether it was rolled back as a whole.
    pub is_rolled_back: bool,
    /// When that was; `None` also where the ledger lost the record of it.
    pub rolled_back_at: Option<Timestamp>,
    /// How much of its money came back, in minor units.
    pub returned: u64,
    /// What the code was worth afterwards, where an answer tells of the rollback itself.
    pub balance_left: Option<u64>,
}

impl Worker {
    /// Finds out what became of redemptions.
    pub(super) async fn find_standings(&self, redemptions: &mut [Redeemed]) -> Result<(), Error> {
        let ask = |redeemed: &Redeemed| {
            let (id, redemption) = redeemed.parts()?;
            let (code, generation) = (redemption.code, redemption.generation);
            let query = Query::Undone { code, generation, number: id.number };
            Some(self.query(self.place_of(&code), query))
        };
        let asked: Vec<_> = redemptions.iter().map(ask).collect();
        for (redeemed, asked) in redemptions.iter_mut().zip(asked) {
            let Some(asked) = asked else { continue };
            let Reply::Undone(extent) = reply(asked).await? else {
                return Err(Error::internal("a shard was asked what was undone"));
            };
            redeemed.standing = match extent {
                None => Standing::default(),
                Some(Extent::Part { returned }) => Standing { returned, ..Standing::default() },
                Some(Extent::Whole) => self.rolled_back(redeemed).await?,
            };
        }
        Ok(())
    }

    /// What is known of a whole rollback.
    async fn rolled_back(&self, redeemed: &Redeemed) -> Result<Standing, Error> {
        let Some((id, _)) = redeemed.parts() else { return Ok(Standing::default()) };
        let rolled_back_at = self.end_of(id.slot, id.number).await?.map(|record| record.at);
        let returned = redeemed.money().map_or(0, |money| money.amount);
        Ok(Standing { is_rolled_back: true, rolled_back_at, returned, balance_left: None })
    }
}
