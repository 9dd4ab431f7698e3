//! `/holds`: keeping a code for a user for a short time.

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use redeemd_domain::identifier::HoldId;
use redeemd_domain::shard::Hold;

use super::amount::amount;
use super::answer::{self, Meaning};
use super::fields::Fields;
use super::json::Object;
use super::kinds::{flag, object, text, whole};
use super::parameters::Parameters;
use super::problem::Problem;
use super::redemptions::{self, LONGEST_CODE, LONGEST_USER};
use super::site::Site;
use super::time_text::TimeText;
use super::{accept, headers};
use crate::service::{Confirming, Fate, Held, Holding, Permission, Resource};

/// The longest time for which a code is held, and how long it is where nothing is said.
const LONGEST_SECONDS: u64 = 86_400;
const USUAL_SECONDS: u64 = 300;

type Answer = Result<HttpResponse, Problem>;

/// `POST /holds`
pub(super) async fn place(site: Site, request: HttpRequest, payload: Payload) -> Answer {
    let caller = site.admit(&request, Permission::HoldCodes)?;
    accept::json(&request)?;
    let key = headers::idempotency_key(&request)?;
    let body = site.body(&request, payload).await?;
    let mut fields = Fields::of_body(&body)?;
    let code = fields.required("code", text(1..=LONGEST_CODE));
    let user = fields.required("user_id", text(1..=LONGEST_USER));
    let seconds = fields.take("ttl_seconds", whole(1..=LONGEST_SECONDS)).given();
    fields.finish()?;
    let wish = Holding {
        code: &code,
        user: &user,
        ttl_ms: seconds.unwrap_or(USUAL_SECONDS) * 1_000,
        key: key.as_ref(),
        max_live: site.operation.live.settings().holds.max_live,
    };
    let held = site.worker.hold(caller, wish).await?;
    Ok(answer::json(Meaning::Made, held.is_replayed, write(&held)))
}

/// `GET /holds/{id}`
pub(super) async fn read(site: Site, request: HttpRequest) -> Answer {
    site.admit(&request, Permission::ReadRedemptions)?;
    accept::json(&request)?;
    Parameters::of(&request, &[])?;
    let held = site.worker.read_hold(id_of(&request)?).await?;
    Ok(answer::json(Meaning::Fine, false, write(&held)))
}

/// `POST /holds/{id}/confirm`
pub(super) async fn confirm(site: Site, request: HttpRequest, payload: Payload) -> Answer {
    let caller = site.admit(&request, Permission::HoldCodes)?;
    accept::json(&request)?;
    Parameters::of(&request, &[])?;
    let key = headers::idempotency_key(&request)?;
    let hold = id_of(&request)?;
    let body = site.body(&request, payload).await?;
    let mut fields = Fields::of_body(&body)?;
    let take_if_free = fields.take("take_if_free", flag).given().unwrap_or(false);
    let metadata = fields.take("metadata", object).given();
    let amount = fields.take("amount", amount).given();
    fields.finish()?;
    let metadata = metadata.as_deref();
    let wish = Confirming { hold, take_if_free, metadata, amount, key: key.as_ref() };
    let redeemed = site.worker.confirm(caller, wish).await;
    site.metrics.count_redemption(&redeemed);
    let redeemed = redeemed?;
    Ok(answer::json(Meaning::Made, redeemed.is_replayed, redemptions::write(&redeemed)))
}

/// `DELETE /holds/{id}`
pub(super) async fn release(site: Site, request: HttpRequest) -> Answer {
    let caller = site.admit(&request, Permission::HoldCodes)?;
    Parameters::of(&request, &[])?;
    site.worker.release(caller, id_of(&request)?).await?;
    Ok(answer::begin(Meaning::Gone, false).finish())
}

fn id_of(request: &HttpRequest) -> Result<HoldId, Problem> {
    let id = request.match_info().get("id").and_then(HoldId::parse);
    id.ok_or_else(|| Problem::missing(Resource::Hold))
}

fn write(held: &Held) -> Vec<u8> {
    let mut body = Vec::with_capacity(320);
    let mut object = Object::begin(&mut body);
    let Held { hold, campaign, hint, fate, .. } = held;
    object.display("id", &hold.id);
    object.display("campaign_id", &campaign.id);
    object.text("user_id", &hold.user);
    object.display("code_hint", hint);
    let (status, redemption) = match fate {
        Fate::Held => ("held", None),
        Fate::Confirmed(redemption) => ("confirmed", Some(redemption)),
        Fate::Released => ("released", None),
        Fate::Expired => ("expired", None),
    };
    object.text("status", status);
    write_times(hold, &mut object);
    if let Some(redemption) = redemption {
        object.display("redemption_id", redemption);
    }
    object.end();
    body
}

/// A hold among what is known of a code.
pub(super) fn write_brief(hold: &Hold, object: &mut Object<'_>) {
    object.display("id", &hold.id);
    object.text("user_id", &hold.user);
    write_times(hold, object);
}

fn write_times(hold: &Hold, object: &mut Object<'_>) {
    object.display("placed_at", &TimeText(hold.id.at));
    object.display("expires_at", &TimeText(hold.expires_at));
}
