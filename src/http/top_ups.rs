//! `/codes/top-up`: making a code worth more.

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};

use super::amount::amount_or_number;
use super::answer::{self, Meaning};
use super::fields::Fields;
use super::json::Object;
use super::kinds::text;
use super::problem::Problem;
use super::redemptions::LONGEST_CODE;
use super::revocation::LONGEST_REASON;
use super::site::Site;
use super::{accept, headers};
use crate::service::{Permission, ToppingUp};

/// `POST /codes/top-up`
pub(super) async fn top_up(
    site: Site,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let caller = site.admit(&request, Permission::TopUp)?;
    accept::json(&request)?;
    let key = headers::idempotency_key(&request)?;
    let body = site.body(&request, payload).await?;
    let mut fields = Fields::of_body(&body)?;
    let code = fields.required("code", text(1..=LONGEST_CODE));
    let amount = fields.required("amount", amount_or_number);
    let reason = fields.required("reason", text(1..=LONGEST_REASON));
    fields.finish()?;
    let wish = ToppingUp { code: &code, amount, reason: &reason, key: key.as_ref() };
    let topped_up = site.worker.top_up(caller, wish).await?;
    let mut body = Vec::with_capacity(32);
    let mut object = Object::begin(&mut body);
    object.number("balance_left", topped_up.balance_left);
    object.end();
    Ok(answer::json(Meaning::Fine, topped_up.is_replayed, body))
}
