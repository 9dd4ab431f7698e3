//! `/campaigns`: making, reading, listing and changing them.

use std::sync::Arc;

use actix_web::http::header::{ETAG, HeaderValue, LOCATION};
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use redeemd_domain::campaign::{Campaign, Status};
use redeemd_domain::codes::CampaignNumber;
use redeemd_domain::identifier::CampaignId;

use super::answer::{self, Meaning};
use super::events::PositionText;
use super::fields::Fields;
use super::json::Object;
use super::parameters::Parameters;
use super::problem::Problem;
use super::site::Site;
use super::time_text::now;
use super::{accept, campaign_body, headers};
use crate::service::{Changed, Permission, Tally};

type Answer = Result<HttpResponse, Problem>;

/// `POST /campaigns`
pub(super) async fn make(site: Site, request: HttpRequest, payload: Payload) -> Answer {
    let caller = site.admit(&request, Permission::ChangeCampaigns)?;
    accept::json(&request)?;
    let key = headers::idempotency_key(&request)?;
    let draft = campaign_body::draft(&site.body(&request, payload).await?, now())?;
    let changed = site.worker.make_campaign(caller, key.as_ref(), draft).await?;
    let campaign = changed.record.as_ref().and_then(|record| record.campaign());
    let campaign = campaign.ok_or_else(|| Problem::internal("making a campaign left no record"))?;
    // Nothing was issued before it was made, so these counts are those of the first answer.
    let mut body = Vec::with_capacity(512);
    write(campaign, Some((&Tally::NOTHING, site.feed.form)), &mut body);
    let mut response = answer::begin(Meaning::Made, changed.is_replayed);
    let location = HeaderValue::from_str(&format!("/api/v1/campaigns/{}", campaign.id));
    if let Ok(location) = location {
        response.insert_header((LOCATION, location));
    }
    response.insert_header((ETAG, headers::entity_tag(campaign.edition)));
    Ok(response.content_type(accept::JSON).body(body))
}

/// `GET /campaigns`, the newest first
pub(super) async fn list(site: Site, request: HttpRequest) -> Answer {
    site.admit(&request, Permission::ReadCampaigns)?;
    accept::json(&request)?;
    let parameters = Parameters::of(&request, &["limit", "cursor"])?;
    let limit = parameters.limit()?;
    let before = match parameters.get("cursor") {
        None => None,
        Some(cursor) => Some(CampaignId::parse(cursor).map(|id| id.number).ok_or_else(|| {
            Problem::parameter("cursor", "must be the next_cursor of an earlier answer")
        })?),
    };
    let (page, is_last) = page(&site, before, limit);
    let tallies = site.worker.tallies(&page).await?;
    let mut body = Vec::with_capacity(64 + 512 * page.len());
    let rows: Vec<_> = page.iter().zip(tallies).collect();
    let mut object = Object::begin(&mut body);
    object.objects("data", &rows, |(campaign, tally), object| {
        campaign_body::write(campaign, Some((tally, site.feed.form)), object);
    });
    let next = page.last().filter(|_| !is_last).map(|campaign| campaign.id);
    object.display_or_null("next_cursor", next.as_ref().map(|id| id as &dyn std::fmt::Display));
    object.end();
    Ok(answer::json(Meaning::Fine, false, body))
}

/// `GET /campaigns/{id}`
pub(super) async fn read(site: Site, request: HttpRequest) -> Answer {
    site.admit(&request, Permission::ReadCampaigns)?;
    accept::json(&request)?;
    Parameters::of(&request, &[])?;
    let campaign = site.campaign(&request)?;
    counted(&site, campaign).await
}

/// `PATCH /campaigns/{id}`
pub(super) async fn change(site: Site, request: HttpRequest, payload: Payload) -> Answer {
    let caller = site.admit(&request, Permission::ChangeCampaigns)?;
    accept::json(&request)?;
    let condition = headers::if_match(&request);
    let campaign = site.campaign(&request)?;
    let body = site.body(&request, payload).await?;
    let (changes, rules) = campaign_body::changes(&body, now())?;
    let edition = condition.edition(campaign.edition);
    let number = campaign.id.number;
    let changed = site.worker.change_campaign(caller, number, edition, changes, rules).await?;
    let campaign = as_it_became(&site, &changed, &campaign)?;
    counted(&site, campaign).await
}

/// `POST /campaigns/{id}/pause`
pub(super) async fn pause(site: Site, request: HttpRequest, payload: Payload) -> Answer {
    set_status(site, request, payload, Status::Paused).await
}

/// `POST /campaigns/{id}/resume`
pub(super) async fn resume(site: Site, request: HttpRequest, payload: Payload) -> Answer {
    set_status(site, request, payload, Status::Active).await
}

/// `POST /campaigns/{id}/archive`
pub(super) async fn archive(site: Site, request: HttpRequest, payload: Payload) -> Answer {
    set_status(site, request, payload, Status::Archived).await
}

async fn set_status(site: Site, request: HttpRequest, payload: Payload, status: Status) -> Answer {
    let caller = site.admit(&request, Permission::ChangeCampaigns)?;
    accept::json(&request)?;
    let key = headers::idempotency_key(&request)?;
    let campaign = site.campaign(&request)?;
    let body = site.optional_body(&request, payload).await?;
    if !body.is_empty() {
        Fields::of_body(&body)?.finish()?;
    }
    let changed = site.worker.set_status(caller, key.as_ref(), campaign.id.number, status).await?;
    let campaign = as_it_became(&site, &changed, &campaign)?;
    let mut body = Vec::with_capacity(512);
    write(&campaign, None, &mut body);
    let mut response = answer::begin(Meaning::Fine, changed.is_replayed);
    response.insert_header((ETAG, headers::entity_tag(campaign.edition)));
    Ok(response.content_type(accept::JSON).body(body))
}

/// The campaign after a change: as the record has it, so that a repeated request gets the same; or
/// as it is, where nothing changed.
fn as_it_became(
    site: &Site,
    changed: &Changed,
    before: &Campaign,
) -> Result<Arc<Campaign>, Problem> {
    match changed.record.as_ref().and_then(|record| record.campaign()) {
        Some(campaign) => Ok(Arc::new(campaign.clone())),
        None => Ok(site.worker.campaign(before.id)?),
    }
}

/// A page of campaigns, and whether it is the last one.
fn page(site: &Site, before: Option<CampaignNumber>, limit: usize) -> (Vec<Arc<Campaign>>, bool) {
    let view = site.worker.view();
    let comes_after =
        |campaign: &&Arc<Campaign>| before.is_none_or(|before| campaign.id.number < before);
    let mut campaigns = view.control().campaigns().rev().filter(comes_after);
    let page: Vec<_> = campaigns.by_ref().take(limit).map(Arc::clone).collect();
    (page, campaigns.next().is_none())
}

async fn counted(site: &Site, campaign: Arc<Campaign>) -> Answer {
    let tallies = site.worker.tallies(std::slice::from_ref(&campaign)).await?;
    let mut body = Vec::with_capacity(512);
    let tally = tallies.first().map(|tally| (tally, site.feed.form));
    write(&campaign, tally, &mut body);
    let mut response = answer::begin(Meaning::Fine, false);
    response.insert_header((ETAG, headers::entity_tag(campaign.edition)));
    Ok(response.content_type(accept::JSON).body(body))
}

fn write(campaign: &Campaign, tally: Option<(&Tally, PositionText)>, body: &mut Vec<u8>) {
    let mut object = Object::begin(body);
    campaign_body::write(campaign, tally, &mut object);
    object.end();
}
