//! `/validations`: whether a code could be redeemed.

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};

use super::accept;
use super::answer::{self, Meaning};
use super::fields::Fields;
use super::json::Object;
use super::kinds::text;
use super::problem::{Problem, refusal_code};
use super::redemptions::{LONGEST_CODE, LONGEST_USER};
use super::site::Site;
use super::time_text::TimeText;
use crate::service::{Permission, Validation};

/// `POST /validations`
pub(super) async fn validate(
    site: Site,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    site.admit_with_body(&request, Permission::Redeem).await?;
    accept::json(&request)?;
    let body = site.body(&request, payload).await?;
    let mut fields = Fields::of_body(&body)?;
    let code = fields.required("code", text(1..=LONGEST_CODE));
    let user = fields.take("user_id", text(1..=LONGEST_USER)).given();
    fields.finish()?;
    let validation = site.worker.validate(&code, user.as_deref()).await?;
    let mut body = Vec::with_capacity(256);
    write(&validation, &mut body);
    Ok(answer::json(Meaning::Fine, false, body))
}

fn write(validation: &Validation, body: &mut Vec<u8>) {
    let mut object = Object::begin(body);
    match validation {
        Validation::Valid { campaign, uses_left, balance_left } => {
            object.flag("valid", true);
            object.display("campaign_id", &campaign.id);
            object.raw("reward", campaign.reward().unwrap_or("null"));
            object.number_or_null("uses_left", *uses_left);
            if let Some(balance_left) = *balance_left {
                object.number("balance_left", balance_left);
            }
            let expires_at = campaign.window.expires_at.map(TimeText);
            let expires_at = expires_at.as_ref().map(|time| time as &dyn std::fmt::Display);
            object.display_or_null("expires_at", expires_at);
        }
        Validation::Invalid(refusal) => {
            object.flag("valid", false);
            object.text("code", refusal_code(*refusal).name());
        }
    }
    object.end();
}
