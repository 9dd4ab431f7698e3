//! `/campaigns/{id}/codes`: issuing codes, and seeing them again.

use actix_web::body::{BodyStream, SizedStream};
use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use redeemd_domain::campaign::Codes;

use super::accept;
use super::answer::{self, Meaning};
use super::code_stream::{CodeStream, Form, StateStream};
use super::fields::Fields;
use super::headers;
use super::kinds::whole;
use super::parameters::Parameters;
use super::problem::Problem;
use super::site::Site;
use crate::service::{CodeRange, MOST_CODES_AT_ONCE, Permission};

type Answer = Result<HttpResponse, Problem>;

/// The most codes in one JSON object. Clients read such an object whole.
const MOST_IN_JSON: u64 = 10_000;

const FIRST_INDEX: HeaderName = HeaderName::from_static("redeemd-first-index");
const COUNT: HeaderName = HeaderName::from_static("redeemd-count");
/// Where the codes of a pattern go on is not for clients to compute, since indices may be skipped.
const NEXT_INDEX: HeaderName = HeaderName::from_static("redeemd-next-index");

/// `POST /campaigns/{id}/codes`
pub(super) async fn issue(site: Site, request: HttpRequest, payload: Payload) -> Answer {
    let caller = site.admit(&request, Permission::HandleCodes)?;
    let key = headers::idempotency_key(&request)?;
    let campaign = site.campaign(&request)?;
    let body = site.body(&request, payload).await?;
    let mut fields = Fields::of_body(&body)?;
    let count = fields.required("count", whole(1..=MOST_CODES_AT_ONCE));
    fields.finish()?;
    let form = form(&request, count)?;
    let issued = site.worker.issue(caller, key.as_ref(), &campaign, count).await?;
    let response = begin(Meaning::Made, issued.is_replayed, &issued.codes);
    Ok(send(response, issued.codes, form))
}

/// `GET /campaigns/{id}/codes`
pub(super) async fn export(site: Site, request: HttpRequest) -> Answer {
    site.admit(&request, Permission::HandleCodes)?;
    let parameters = Parameters::of(&request, &["first_index", "count"])?;
    let campaign = site.campaign(&request)?;
    if campaign.codes == Codes::Imported {
        return Err(Problem::parameter("id", "names a campaign whose codes are not made here"));
    }
    let first = parameters.whole("first_index", 0..=campaign.issued)?.unwrap_or(0);
    let left = campaign.issued_from(first);
    let count = match parameters.whole("count", 0..=left.min(MOST_CODES_AT_ONCE))? {
        Some(count) => count,
        None => left.min(MOST_CODES_AT_ONCE),
    };
    let form = form(&request, count)?;
    let codes = site.worker.range(&campaign, first, count)?;
    let mut response = begin(Meaning::Fine, false, &codes);
    if form == Form::Lines {
        response.insert_header((CONTENT_TYPE, HeaderValue::from_static(form.media_type())));
        let states = StateStream::new(site.worker.clone(), codes);
        return Ok(response.body(BodyStream::new(states)));
    }
    Ok(send(response, codes, form))
}

/// The form that the client likes best, of those that fit so many codes.
fn form(request: &HttpRequest, count: u64) -> Result<Form, Problem> {
    let [json, csv, lines] = [Form::Json, Form::Csv, Form::Lines].map(Form::media_type);
    let offers = [json, csv, lines];
    let offers = if count <= MOST_IN_JSON { &offers[..] } else { &offers[1..] };
    let chosen = accept::choose(request, offers)?;
    Ok(match chosen {
        chosen if chosen == json => Form::Json,
        chosen if chosen == csv => Form::Csv,
        _ => Form::Lines,
    })
}

fn begin(meaning: Meaning, is_replayed: bool, codes: &CodeRange) -> HttpResponseBuilder {
    let mut response = answer::begin(meaning, is_replayed);
    answer::not_to_be_stored(&mut response);
    response.insert_header((FIRST_INDEX, HeaderValue::from(codes.first())));
    response.insert_header((COUNT, HeaderValue::from(codes.count())));
    response.insert_header((NEXT_INDEX, HeaderValue::from(codes.next())));
    response
}

/// The length is known beforehand, so that a client sees when an answer was cut off.
fn send(mut response: HttpResponseBuilder, codes: CodeRange, form: Form) -> HttpResponse {
    let size = form.size_bytes(codes.count(), codes.code_bytes());
    response.insert_header((CONTENT_TYPE, HeaderValue::from_static(form.media_type())));
    response.body(SizedStream::new(size, CodeStream::new(codes, form)))
}
