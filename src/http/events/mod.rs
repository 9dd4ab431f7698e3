//! `GET /events`: everything that happened, in pages or as a stream that goes on.

mod body;
mod cuts;
mod feed;
mod listener;
mod pace;
mod piece;
mod pieces;
mod position_text;

use actix_web::body::BodyStream;
use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};

pub(super) use feed::Feed;
pub(crate) use position_text::PositionText;

use super::accept::{self, JSON};
use super::answer::{self, Meaning};
use super::json::Object;
use super::parameters::Parameters;
use super::problem::Problem;
use super::site::Site;
use crate::service::{Error, Event, EventFilter, EventKind, EventPosition, Permission, Register};
use listener::{EventStream, Listener};

/// The media type of a stream of events.
const STREAM: &str = "text/event-stream";

/// The header with which a client that lost a stream says how far it came.
const LAST_EVENT_ID: &str = "Last-Event-ID";

/// Asks a proxy (nginx) to pass on what comes as it comes.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The word for the position after everything that happened by now.
const NOW: &str = "now";

/// An event as clients read it.
pub(crate) fn text_of(event: &Event, register: &Register) -> String {
    let mut text = Vec::with_capacity(512);
    let mut object = Object::begin(&mut text);
    body::write(event, register, &mut object);
    object.end();
    // What is written is always UTF-8.
    String::from_utf8(text).unwrap_or_default()
}

/// `GET /events`
pub(super) async fn follow(site: Site, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = site.admit(&request, Permission::ReadEvents)?;
    let is_stream = accept::choose(&request, &[JSON, STREAM])? == STREAM;
    let known: &[&str] = match is_stream {
        true => &["after", "types", "campaign_id"],
        false => &["after", "types", "campaign_id", "limit"],
    };
    let parameters = Parameters::of(&request, known)?;
    let filter = filter(&site, &parameters)?;
    let limit = parameters.limit()?;
    let refused = || Problem::parameter("after", OBJECTION);
    // Judged also where the header says otherwise: nothing that is wrong is passed over.
    let after = position(&site, parameters.get("after")).await?.ok_or_else(refused)?;
    let position = match request.headers().get(LAST_EVENT_ID) {
        Some(id) => {
            let refused = || Problem::header(LAST_EVENT_ID, OBJECTION);
            let id = id.to_str().map_err(|_| refused())?;
            position(&site, Some(id)).await?.ok_or_else(refused)?
        }
        None => after,
    };
    if !is_stream {
        return page(&site, filter, position, limit).await;
    }
    let feed = site.feed.clone();
    let listening = feed.join().ok_or(Error::Overloaded)?;
    let worker = site.worker.clone();
    let listener = Listener { feed, listening, worker, caller, filter, position };
    let mut response = answer::begin(Meaning::Fine, false);
    answer::not_to_be_stored(&mut response);
    response.insert_header((CONTENT_TYPE, HeaderValue::from_static(STREAM)));
    response.insert_header((ACCEL_BUFFERING, HeaderValue::from_static("no")));
    Ok(response.body(BodyStream::new(EventStream::new(listener))))
}

/// What is said of a position that is none.
const OBJECTION: &str = "must be a position that this server gave, or now";

async fn page(
    site: &Site,
    filter: EventFilter,
    after: EventPosition,
    limit: usize,
) -> Result<HttpResponse, Problem> {
    let page = site.worker.events(filter, after, limit).await?;
    let register = site.worker.register();
    let mut body = Vec::with_capacity(64 + 512 * page.events.len());
    let mut object = Object::begin(&mut body);
    object.objects("data", &page.events, |event, object| body::write(event, &register, object));
    object.display("next_cursor", &site.feed.form.write(&page.next));
    object.end();
    Ok(answer::json(Meaning::Fine, false, body))
}

/// The position that a text names, or the beginning; `None` where it names none of this server's, or
/// one that lies in the future.
async fn position(site: &Site, text: Option<&str>) -> Result<Option<EventPosition>, Problem> {
    let form = site.feed.form;
    let named = match text {
        None => Some(EventPosition::beginning(form.sequences())),
        Some(NOW) => None,
        Some(text) => match form.read(text) {
            Some(position) => Some(position),
            None => return Ok(None),
        },
    };
    // Also where a position is named: what was answered before has to be there.
    let end = site.worker.event_end().await?;
    Ok(match named {
        None => Some(end),
        Some(position) => end.has_reached(&position).then_some(position),
    })
}

fn filter(site: &Site, parameters: &Parameters<'_>) -> Result<EventFilter, Problem> {
    let campaign = parameters.campaign(site)?;
    let kinds = match parameters.text("types")? {
        None => None,
        Some(names) => {
            let kinds: Option<_> = names.split(',').map(EventKind::parse).collect();
            Some(kinds.ok_or_else(|| {
                let known = EventKind::ALL.map(EventKind::name).join(", ");
                Problem::parameter("types", format!("must be of these, with commas: {known}"))
            })?)
        }
    };
    Ok(EventFilter { campaign, kinds })
}
