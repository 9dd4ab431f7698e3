//! `GET /redemptions`: redemptions by user, campaign and time, the newest first.

use actix_web::{HttpRequest, HttpResponse};
use redeemd_domain::timestamp::Timestamp;

use super::accept;
use super::answer::{self, Meaning};
use super::cursor;
use super::json::Object;
use super::parameters::Parameters;
use super::problem::Problem;
use super::redemptions::{LONGEST_USER, write_fields};
use super::site::Site;
use super::time_text;
use crate::service::{Filter, Permission};

/// `GET /redemptions`
pub(super) async fn list(site: Site, request: HttpRequest) -> Result<HttpResponse, Problem> {
    site.admit(&request, Permission::ReadRedemptions)?;
    accept::json(&request)?;
    let known = ["user_id", "campaign_id", "from", "to", "limit", "cursor"];
    let parameters = Parameters::of(&request, &known)?;
    let filter = filter(&site, &parameters)?;
    let limit = parameters.limit()?;
    let cursor = match parameters.get("cursor") {
        None => None,
        Some(text) => Some(cursor::read(text, &filter).ok_or_else(|| {
            let objection = "must be the next_cursor of an earlier answer to the same question";
            Problem::parameter("cursor", objection)
        })?),
    };
    let page = site.worker.redemptions(filter.clone(), cursor, limit).await?;
    let mut body = Vec::with_capacity(64 + 400 * page.redemptions.len());
    let mut object = Object::begin(&mut body);
    object.objects("data", &page.redemptions, write_fields);
    let next = page.next.map(|next| cursor::write(next, &filter));
    object.display_or_null("next_cursor", next.as_ref().map(|next| next as &dyn std::fmt::Display));
    object.end();
    Ok(answer::json(Meaning::Fine, false, body))
}

fn filter(site: &Site, parameters: &Parameters<'_>) -> Result<Filter, Problem> {
    let user = parameters.text("user_id")?;
    let is_user = |user: &str| {
        (1..=LONGEST_USER).contains(&user.chars().count()) && !user.chars().any(char::is_control)
    };
    if user.as_deref().is_some_and(|user| !is_user(user)) {
        let objection = format!("must have 1 to {LONGEST_USER} characters, no control character");
        return Err(Problem::parameter("user_id", objection));
    }
    let campaign = parameters.campaign(site)?;
    let (from, to) = (moment(parameters, "from")?, moment(parameters, "to")?);
    if let (Some(from), Some(to)) = (from, to)
        && from >= to
    {
        return Err(Problem::parameter("to", "must be later than from"));
    }
    Ok(Filter { user: user.map(Into::into), campaign, from, to })
}

fn moment(parameters: &Parameters<'_>, name: &'static str) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = parameters.text(name)? else { return Ok(None) };
    // The plus sign of an offset means a space in an address, unless it was escaped.
    let moment = time_text::parse(&text.replace(' ', "+"));
    moment.map(Some).ok_or_else(|| {
        Problem::parameter(name, "must be a time from 1970 on, such as 2026-12-24T18:00:00Z")
    })
}
