//! `/health` and `/metrics`: for those who run the server. Nobody has to say who they are, and
//! nothing here says anything about a campaign or a code.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use actix_web::web::Data;
use actix_web::{HttpResponse, HttpResponseBuilder};

use super::answer::{self, Meaning};
use super::json::Object;
use super::metrics::Metrics;
use super::problem;
use super::time_text::{TimeText, now};
use crate::operation::{Health, Part, Stage, examine};

/// `GET /health/live`: the process runs.
pub(super) async fn live() -> HttpResponse {
    say(answer::begin(Meaning::Fine, false), "live")
}

/// `GET /health/ready`: it may be sent traffic.
pub(super) async fn ready(metrics: Data<Metrics>) -> HttpResponse {
    let operation = metrics.operation();
    if operation.is_ready() {
        return say(answer::begin(Meaning::Fine, false), "ready");
    }
    let status = match operation.lifecycle.stage() {
        Stage::Serving => "not_ready",
        stage => stage.name(),
    };
    say(problem::begin_unready(), status)
}

/// `GET /health`: each part.
pub(super) async fn parts(metrics: Data<Metrics>) -> HttpResponse {
    let report = examine(metrics.operation());
    let health = report.health();
    let mut body = Vec::with_capacity(2_048);
    let mut object = Object::begin(&mut body);
    object.text("status", health.name());
    object.display("timestamp", &TimeText(now()));
    object.text("version", crate::build::VERSION);
    object.object("parts", |object| {
        for part in &report.parts {
            object.object(part.name, |object| write(part, object));
        }
    });
    object.end();
    let response = match health {
        Health::Healthy | Health::Degraded => answer::begin(Meaning::Fine, false),
        Health::Unhealthy => problem::begin_unready(),
    };
    send(response, body)
}

/// `GET /metrics`
pub(super) async fn metrics(metrics: Data<Metrics>) -> HttpResponse {
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    answer::begin(Meaning::Fine, false).insert_header((CONTENT_TYPE, kind)).body(metrics.page())
}

fn write(part: &Part, object: &mut Object<'_>) {
    object.text("status", part.health().name());
    if let Some(finding) = part.finding {
        object.text("finding", finding.name());
        object.text("detail", finding.detail());
    }
    if let Some(note) = &part.note {
        object.text("note", note);
    }
    object.object("checks", |object| {
        for check in &part.checks {
            object.object(check.name, |object| {
                object.number("value", check.value);
                object.number_or_null("limit", check.limit);
                object.text("unit", check.unit);
            });
        }
    });
}

fn say(response: HttpResponseBuilder, status: &str) -> HttpResponse {
    let mut body = Vec::with_capacity(32);
    let mut object = Object::begin(&mut body);
    object.text("status", status);
    object.end();
    send(response, body)
}

fn send(mut response: HttpResponseBuilder, body: Vec<u8>) -> HttpResponse {
    response
        .insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json")))
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .body(body)
}
