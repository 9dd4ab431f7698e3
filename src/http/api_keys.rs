//! `/api-keys`: letting API keys in, seeing them, and shutting them out.

use std::borrow::Cow;
use std::fmt::Display;

use actix_web::http::header::{HeaderValue, LOCATION};
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use redeemd_domain::control::{ApiKey, Role};
use redeemd_domain::identifier::ApiKeyId;
use serde_json::value::RawValue;

use super::announcing::to_its_end;
use super::answer::{self, Meaning};
use super::fields::{Fields, Objection};
use super::json::Object;
use super::kinds::{name, text};
use super::parameters::Parameters;
use super::problem::Problem;
use super::site::Site;
use super::time_text::TimeText;
use super::{accept, headers};
use crate::service::{LetIn, Permission, Resource};

type Answer = Result<HttpResponse, Problem>;

/// The longest name, in characters.
const LONGEST_NAME: usize = 200;

/// `POST /api-keys`
pub(super) async fn make(site: Site, request: HttpRequest, payload: Payload) -> Answer {
    let caller = site.admit(&request, Permission::ManageApiKeys)?;
    accept::json(&request)?;
    let key = headers::idempotency_key(&request)?;
    let body = site.body(&request, payload).await?;
    let mut fields = Fields::of_body(&body)?;
    let name = fields.required("name", text(1..=LONGEST_NAME));
    let role = fields.required("role", |value| role(value).map(Some));
    fields.finish()?;
    let role = role.ok_or_else(|| Problem::internal("a role is missing that was required"))?;
    let let_in = site.worker.let_in(caller, key.as_ref(), &name, role).await?;
    let mut response = answer::begin(Meaning::Made, let_in.is_replayed);
    answer::not_to_be_stored(&mut response);
    if let Ok(location) = HeaderValue::from_str(&format!("/api/v1/api-keys/{}", let_in.id)) {
        response.insert_header((LOCATION, location));
    }
    Ok(response.content_type(accept::JSON).body(write_made(&let_in)))
}

/// `GET /api-keys`, the newest first
pub(super) async fn list(site: Site, request: HttpRequest) -> Answer {
    site.admit(&request, Permission::ManageApiKeys)?;
    accept::json(&request)?;
    let parameters = Parameters::of(&request, &["limit", "cursor"])?;
    let limit = parameters.limit()?;
    let before = match parameters.get("cursor") {
        None => None,
        Some(cursor) => Some(ApiKeyId::parse(cursor).map(|id| id.number).ok_or_else(|| {
            Problem::parameter("cursor", "must be the next_cursor of an earlier answer")
        })?),
    };
    let (page, is_last) = site.worker.api_keys(before, limit);
    let mut body = Vec::with_capacity(64 + 160 * page.len());
    let mut object = Object::begin(&mut body);
    object.objects("data", &page, |key, object| {
        let ApiKey { id, role, name, revoked, .. } = key;
        write(*id, name, *role, if *revoked { "revoked" } else { "active" }, object);
    });
    let next = page.last().filter(|_| !is_last).map(|key| key.id);
    object.display_or_null("next_cursor", next.as_ref().map(|id| id as &dyn Display));
    object.end();
    Ok(answer::json(Meaning::Fine, false, body))
}

/// `DELETE /api-keys/{id}`
pub(super) async fn revoke(site: Site, request: HttpRequest) -> Answer {
    let caller = site.admit(&request, Permission::ManageApiKeys)?;
    Parameters::of(&request, &[])?;
    let id = request.match_info().get("id").and_then(ApiKeyId::parse);
    let id = id.ok_or_else(|| Problem::missing(Resource::ApiKey))?;
    let shut_out = to_its_end(async move {
        let event = site.worker.shut_out(caller, id).await?;
        site.announce(event.as_ref());
        Ok(())
    });
    shut_out.await?;
    Ok(answer::begin(Meaning::Gone, false).finish())
}

fn role(value: &RawValue) -> Result<Role, Objection> {
    name(value).and_then(|name| Role::parse(&name)).ok_or_else(|| {
        let names = Role::ALL.map(Role::name).join(", ");
        Cow::Owned(format!("must be one of {names}"))
    })
}

fn write_made(let_in: &LetIn) -> Vec<u8> {
    let mut body = Vec::with_capacity(256);
    let mut object = Object::begin(&mut body);
    write(let_in.id, &let_in.name, let_in.role, "active", &mut object);
    match &let_in.text {
        Some(text) => object.text("key", text.as_str()),
        None => object.raw("key", "null"),
    }
    object.end();
    body
}

fn write(id: ApiKeyId, name: &str, role: Role, status: &str, object: &mut Object<'_>) {
    object.display("id", &id);
    object.text("name", name);
    object.text("role", role.name());
    object.text("status", status);
    object.display("created_at", &TimeText(id.at));
}
