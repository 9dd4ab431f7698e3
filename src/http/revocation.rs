//! `/codes/revoke` and `/codes/restore`: making a code unusable, and usable again.

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};

use super::announcing::to_its_end;
use super::answer::{self, Meaning};
use super::fields::Fields;
use super::json::Object;
use super::kinds::text;
use super::problem::Problem;
use super::redemptions::LONGEST_CODE;
use super::site::Site;
use super::{accept, headers};
use crate::service::{Marked, Marking, Permission, Usability};

/// The longest reason, in characters.
pub(super) const LONGEST_REASON: usize = 500;

/// `POST /codes/revoke`
pub(super) async fn revoke(
    site: Site,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    mark(site, request, payload, Usability::Revoked).await
}

/// `POST /codes/restore`
pub(super) async fn restore(
    site: Site,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    mark(site, request, payload, Usability::Restored).await
}

async fn mark(
    site: Site,
    request: HttpRequest,
    payload: Payload,
    usability: Usability,
) -> Result<HttpResponse, Problem> {
    let caller = site.admit(&request, Permission::RevokeCodes)?;
    accept::json(&request)?;
    let key = headers::idempotency_key(&request)?;
    let body = site.body(&request, payload).await?;
    let mut fields = Fields::of_body(&body)?;
    let code = fields.required("code", text(1..=LONGEST_CODE)).into_owned();
    let reason = fields.required("reason", text(1..=LONGEST_REASON)).into_owned();
    fields.finish()?;
    let marked = to_its_end(async move {
        let marking = Marking { code: &code, usability, reason: &reason, key: key.as_ref() };
        let marked = site.worker.mark(caller, marking).await?;
        site.announce(marked.event.as_ref());
        Ok(marked)
    });
    let marked = marked.await?;
    Ok(answer::json(Meaning::Fine, marked.is_replayed, write(&marked)))
}

/// Only what a repeated request can be told again: how often the code is redeemed goes on changing.
fn write(marked: &Marked) -> Vec<u8> {
    let mut body = Vec::with_capacity(96);
    let mut object = Object::begin(&mut body);
    object.display("campaign_id", &marked.campaign.id);
    object.display("code_hint", &marked.hint);
    object.flag("revoked", marked.usability == Usability::Revoked);
    object.end();
    body
}
