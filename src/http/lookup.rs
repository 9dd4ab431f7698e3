//! `/codes/lookup`: what became of a code.

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};

use super::accept;
use super::answer::{self, Meaning};
use super::campaign_body::status_name;
use super::fields::Fields;
use super::holds;
use super::json::Object;
use super::kinds::text;
use super::problem::Problem;
use super::redemptions::{LONGEST_CODE, write_fields};
use super::site::Site;
use crate::service::{Found, KnownState, Permission};

/// `POST /codes/lookup`
pub(super) async fn look_up(
    site: Site,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    site.admit(&request, Permission::LookUpCodes)?;
    accept::json(&request)?;
    let body = site.body(&request, payload).await?;
    let mut fields = Fields::of_body(&body)?;
    let code = fields.required("code", text(1..=LONGEST_CODE));
    fields.finish()?;
    let found = site.worker.look_up(&code).await?;
    Ok(answer::json(Meaning::Fine, false, write(&found)))
}

fn write(found: &Found) -> Vec<u8> {
    let mut body = Vec::with_capacity(256 + 400 * found.redemptions.len());
    let mut object = Object::begin(&mut body);
    object.object("campaign", |campaign| {
        campaign.display("id", &found.campaign.id);
        campaign.text("name", &found.campaign.name);
        campaign.text("status", status_name(found.campaign.status));
    });
    object.display("code_hint", &found.hint);
    object.text("state", state_name(found.state));
    object.number("uses", found.uses);
    object.number_or_null("uses_left", found.uses_left);
    if let Some(balance_left) = found.balance_left {
        object.number("balance_left", balance_left);
    }
    object.objects("holds", &found.holds, holds::write_brief);
    object.objects("redemptions", &found.redemptions, write_fields);
    object.end();
    body
}

fn state_name(state: KnownState) -> &'static str {
    match state {
        KnownState::Issued => "issued",
        KnownState::Redeemed => "redeemed",
        KnownState::Revoked => "revoked",
    }
}
