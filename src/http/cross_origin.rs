//! Pages of other origins (CORS, <https://fetch.spec.whatwg.org/#http-cors-protocol>). A browser
//! lets a page read an answer only where the answer allows it, and asks before it sends a request
//! that no form could send. An API key of role `public` may be in a page, so what such a key may do
//! can be allowed to pages of origins that the settings name.

use actix_web::HttpResponse;
use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    HeaderMap, HeaderValue, ORIGIN, VARY,
};

use super::answer::{self, Meaning};
use super::metrics::RouteMetrics;

/// What a key of role `public` may be used for.
const ROUTES: [&str; 2] = ["/api/v1/redemptions", "/api/v1/validations"];

/// The origins that the settings name as this are all there are.
const EVERYWHERE: &str = "*";

/// The headers that a page may send.
const SENT: &str = "authorization, content-type, idempotency-key, x-request-id";

/// The headers of an answer that a page may read.
const READ: &str = "idempotent-replayed, ratelimit-limit, ratelimit-remaining, ratelimit-reset, \
                    retry-after, x-request-id";

/// How long a browser may remember what it was answered, in seconds.
const REMEMBERED: &str = "600";

/// The answer to a browser that asks whether it may send a page's request; `None` where nobody asks
/// that, or the page's origin is not allowed.
pub(super) fn preflight(request: &ServiceRequest, metrics: &RouteMetrics) -> Option<HttpResponse> {
    let headers = request.headers();
    if request.method() != Method::OPTIONS || !headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
    allowed(headers, metrics)?;
    let mut answer = answer::begin(Meaning::Gone, false);
    answer.insert_header((ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST")));
    answer.insert_header((ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(SENT)));
    answer.insert_header((ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(REMEMBERED)));
    Some(answer.finish())
}

/// Says in an answer that the page which asked may read it, if it may.
pub(super) fn tell(request: &HeaderMap, metrics: &RouteMetrics, answer: &mut HeaderMap) {
    let Some(origin) = allowed(request, metrics) else { return };
    answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(READ));
    answer.append(VARY, HeaderValue::from_static("origin"));
}

/// The origin of the page that asks, where it is allowed. Other programs than browsers name none.
fn allowed<'a>(request: &'a HeaderMap, metrics: &RouteMetrics) -> Option<&'a HeaderValue> {
    let origin = request.get(ORIGIN)?;
    if !ROUTES.contains(&metrics.route()) {
        return None;
    }
    let settings = metrics.operation().live.settings();
    let mut known = settings.http.allowed_origins.iter();
    known
        .any(|known| known == EVERYWHERE || known.as_bytes() == origin.as_bytes())
        .then_some(origin)
}
