//! Rolling redemptions back, wholly or in part.

use redeemd_domain::identifier::RedemptionId;
use redeemd_domain::request::Fingerprint;
use redeemd_domain::shard::{Command, Event, Extent, RollBack};

use super::caller::Caller;
use super::error::Error;
use super::idempotency::IdempotencyKey;
use super::redeeming::Redeemed;
use super::standing::Standing;
use super::worker::Worker;

/// A wish to roll a redemption back, as an interface reads it.
#[derive(Debug)]
pub struct Rollback<'a> {
    /// The redemption.
    pub redemption: RedemptionId,
    /// How much of its money to give back, in minor units; `None` is all, and the use.
    pub amount: Option<u64>,
    /// Why, for those who look later.
    pub reason: &'a str,
    /// By what the client names the request.
    pub key: Option<&'a IdempotencyKey>,
    /// How long ago the redemption may be, in milliseconds.
    pub max_age_ms: u64,
}

impl Worker {
    /// Rolls a redemption back.
    ///
    /// # Errors
    /// The refusal, or why there is none.
    pub async fn roll_back(
        &self,
        caller: Caller,
        rollback: Rollback<'_>,
    ) -> Result<Redeemed, Error> {
        let mut redeemed = self.recorded(rollback.redemption).await?;
        let Some((id, redemption)) = redeemed.parts() else {
            return Err(Error::internal("a redemption is none"));
        };
        let Rollback { amount, reason, key, max_age_ms, .. } = rollback;
        let code = redemption.code;
        let request = key.map(|key| {
            let subject = [b"rollback of ", id.to_string().as_bytes()].concat();
            let amount = amount.map(u64::to_le_bytes);
            let amount = amount.as_ref().map(<[u8; 8]>::as_slice);
            let said = Fingerprint::new(&[Some(reason.as_bytes()), amount]);
            key.request(caller.number, &subject, said)
        });
        let command = Command::RollBack(Box::new(RollBack {
            redemption: id,
            code,
            user: redemption.user.clone(),
            generation: redemption.generation,
            claim: redeemed.claim(),
            spent: redeemed.money().map(|money| money.amount),
            amount,
            max_age_ms,
            reason: reason.into(),
            api_key: caller.number,
            request,
        }));
        let performed = self.perform(code, command).await?;
        let record = performed.record;
        let record = record.ok_or_else(|| Error::internal("a rollback changed nothing"))?;
        let Event::RolledBack(rolled_back) = &record.event else {
            return Err(Error::internal("a rollback was answered with another's record"));
        };
        let spent = redeemed.money().map_or(0, |money| money.amount);
        let is_rolled_back = rolled_back.extent == Extent::Whole;
        if is_rolled_back {
            self.give_back_across(rolled_back.campaign, &code, redeemed.claim()).await;
        }
        let (rolled_back_at, returned) = match rolled_back.extent {
            Extent::Whole => (Some(record.at), spent),
            Extent::Part { returned } => (None, returned),
        };
        let balance_left = rolled_back.money.map(|money| money.left);
        redeemed.standing = Standing { is_rolled_back, rolled_back_at, returned, balance_left };
        redeemed.is_replayed = performed.is_replayed;
        Ok(redeemed)
    }
}
