//! `/redemptions/{id}/rollback`: taking a redemption back, wholly or in part.

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use redeemd_domain::identifier::RedemptionId;

use super::amount::amount;
use super::answer::{self, Meaning};
use super::fields::Fields;
use super::kinds::text;
use super::parameters::Parameters;
use super::problem::Problem;
use super::redemptions::write;
use super::revocation::LONGEST_REASON;
use super::site::Site;
use super::{accept, headers};
use crate::service::{Permission, Resource, Rollback};

const MILLISECONDS_A_DAY: u64 = 86_400_000;

/// `POST /redemptions/{id}/rollback`
pub(super) async fn roll_back(
    site: Site,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let caller = site.admit(&request, Permission::RollBack)?;
    accept::json(&request)?;
    Parameters::of(&request, &[])?;
    let key = headers::idempotency_key(&request)?;
    let redemption = request.match_info().get("id").and_then(RedemptionId::parse);
    let redemption = redemption.ok_or_else(|| Problem::missing(Resource::Redemption))?;
    let body = site.body(&request, payload).await?;
    let mut fields = Fields::of_body(&body)?;
    let reason = fields.required("reason", text(1..=LONGEST_REASON));
    let amount = fields.take("amount", amount).given();
    fields.finish()?;
    let days = site.operation.live.settings().redemptions.rollback_max_age_days;
    let rollback = Rollback {
        redemption,
        amount,
        reason: &reason,
        key: key.as_ref(),
        max_age_ms: u64::from(days) * MILLISECONDS_A_DAY,
    };
    let rolled_back = site.worker.roll_back(caller, rollback).await;
    site.metrics.count_rollback(&rolled_back);
    let rolled_back = rolled_back?;
    Ok(answer::json(Meaning::Fine, rolled_back.is_replayed, write(&rolled_back)))
}
