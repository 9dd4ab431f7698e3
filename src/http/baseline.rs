//! A route for benchmarks alone: it does everything that redeeming does, but ask a shard. What
//! redeeming costs beyond it is what the shards, the journal and the ledger cost.

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use redeemd_domain::timestamp::Timestamp;

use super::answer::{self, Meaning};
use super::json::Object;
use super::problem::Problem;
use super::redemptions::Wish;
use super::site::Site;
use super::time_text::TimeText;
use super::{accept, headers};
use crate::service::Permission;

/// Authenticates, reads the body, and answers in the same shape.
pub(super) async fn answer(
    site: Site,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let caller = site.admit_with_body(&request, Permission::Redeem).await?;
    accept::json(&request)?;
    headers::idempotency_key(&request)?;
    let body = site.body(&request, payload).await?;
    let wish = Wish::read(&body)?;
    let mut body = Vec::with_capacity(384);
    let mut object = Object::begin(&mut body);
    object.display("id", &format_args!("red_{:022}", caller.number.0));
    object.display("campaign_id", &format_args!("camp_{:016}", caller.number.0));
    object.text("user_id", &wish.user);
    object.display("redeemed_at", &TimeText(Timestamp(0)));
    object.display("code_hint", &format_args!("{:08x}", caller.number.0));
    object.text("status", "redeemed");
    object.raw("reward", "null");
    object.raw("metadata", wish.metadata.as_deref().unwrap_or("null"));
    object.number("uses_left", 0);
    object.end();
    Ok(answer::json(Meaning::Made, false, body))
}
