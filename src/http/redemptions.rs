//! `/redemptions`: redeeming a code, and reading what was redeemed.

use std::borrow::Cow;

use actix_web::web::{Bytes, Payload};
use actix_web::{HttpRequest, HttpResponse};
use redeemd_domain::identifier::RedemptionId;

use super::amount;
use super::answer::{self, Meaning};
use super::fields::Fields;
use super::json::Object;
use super::kinds::{object, text};
use super::parameters::Parameters;
use super::problem::Problem;
use super::site::Site;
use super::time_text::TimeText;
use super::{accept, headers};
use crate::service::{IdempotencyKey, Permission, Redeemed, Redemption, Resource};

/// The longest code and the longest name of a user, in characters.
pub(super) const LONGEST_CODE: usize = 64;
/// See [`LONGEST_CODE`].
pub(super) const LONGEST_USER: usize = 128;

/// `POST /redemptions`
pub(super) async fn redeem(
    site: Site,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let caller = site.admit_with_body(&request, Permission::Redeem).await?;
    accept::json(&request)?;
    let key = headers::idempotency_key(&request)?;
    let body = site.body(&request, payload).await?;
    let wish = Wish::read(&body)?;
    let redeemed = site.worker.redeem(caller, wish.redemption(key.as_ref())).await;
    site.metrics.count_redemption(&redeemed);
    let redeemed = redeemed?;
    Ok(answer::json(Meaning::Made, redeemed.is_replayed, write(&redeemed)))
}

/// `GET /redemptions/{id}`
pub(super) async fn read(site: Site, request: HttpRequest) -> Result<HttpResponse, Problem> {
    site.admit(&request, Permission::ReadRedemptions)?;
    accept::json(&request)?;
    Parameters::of(&request, &[])?;
    let id = request.match_info().get("id").and_then(RedemptionId::parse);
    let id = id.ok_or_else(|| Problem::missing(Resource::Redemption))?;
    let redeemed = site.worker.redemption(id).await?;
    Ok(answer::json(Meaning::Fine, false, write(&redeemed)))
}

/// A wish to redeem, as its body says it.
pub(super) struct Wish<'a> {
    /// The code.
    pub code: Cow<'a, str>,
    /// Who redeems.
    pub user: Cow<'a, str>,
    /// A JSON object of the client's own.
    pub metadata: Option<Box<str>>,
    /// How much of the code's balance to spend.
    pub amount: Option<u64>,
}

impl<'a> Wish<'a> {
    /// Reads a body.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(super) fn read(body: &'a Bytes) -> Result<Self, Problem> {
        let mut fields = Fields::of_body(body)?;
        let wish = Self::take(&mut fields);
        fields.finish()?;
        Ok(wish)
    }

    /// Takes its fields; whether they were accepted, the end of the reading tells.
    pub(super) fn take(fields: &mut Fields<'a>) -> Self {
        let code = fields.required("code", text(1..=LONGEST_CODE));
        let user = fields.required("user_id", text(1..=LONGEST_USER));
        let metadata = fields.take("metadata", object).given();
        let amount = fields.take("amount", amount::amount).given();
        Self { code, user, metadata, amount }
    }

    /// The same, as the service has it.
    pub(super) fn redemption<'b>(&'b self, key: Option<&'b IdempotencyKey>) -> Redemption<'b> {
        let Self { code, user, metadata, amount } = self;
        Redemption { code, user, metadata: metadata.as_deref(), amount: *amount, key }
    }
}

/// The answer that a redemption has, now and whenever it is asked for again: everything comes from
/// its record, and the reward from the revision that the record names.
pub(super) fn write(redeemed: &Redeemed) -> Vec<u8> {
    let mut body = Vec::with_capacity(384);
    let mut object = Object::begin(&mut body);
    write_fields(redeemed, &mut object);
    object.end();
    body
}

/// The fields of the same.
pub(super) fn write_fields(redeemed: &Redeemed, object: &mut Object<'_>) {
    // It always has them: a redemption is only ever made of its record.
    let Some((id, redemption)) = redeemed.parts() else { return };
    let campaign = &redeemed.campaign;
    object.display("id", &id);
    object.display("campaign_id", &campaign.id);
    object.text("user_id", &redemption.user);
    object.display("redeemed_at", &TimeText(id.at));
    object.display("code_hint", &redeemed.hint);
    let standing = redeemed.standing;
    let is_undone = standing.is_rolled_back;
    object.text("status", if is_undone { "rolled_back" } else { "redeemed" });
    match standing.rolled_back_at {
        Some(at) => object.display("rolled_back_at", &TimeText(at)),
        None if is_undone => object.raw("rolled_back_at", "null"),
        None => {}
    }
    object.raw("reward", campaign.reward_at(redemption.revision).unwrap_or("null"));
    object.raw("metadata", redemption.metadata.as_deref().unwrap_or("null"));
    object.number_or_null("uses_left", redemption.uses_left.map(u64::from));
    if let Some(money) = redeemed.money() {
        amount::write("amount", money.amount, object);
        if standing.returned > 0 {
            amount::write("amount_returned", standing.returned, object);
        }
        object.number("balance_left", standing.balance_left.unwrap_or(money.left));
    }
}
