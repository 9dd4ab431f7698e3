//! `/health` and `/metrics`: for those who run the server. Nobody has to say who they are, and
//! nothing here says anything about a campaign or a code.

use std::sync::atomic::Ordering;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use actix_web::web::Data;
use actix_web::{HttpResponse, HttpResponseBuilder};
use redeemd_actors::node::Node;

use super::answer::{self, Meaning};
use super::json::Object;
use super::metrics::Metrics;
use super::problem;

/// Batches of outcomes that may wait for the ledger before that is worth a word.
const MANY_WAITING: u64 = 64;

/// What the operating routes work with.
pub(super) struct Operations {
    /// The actors.
    pub node: Node,
    /// What was counted.
    pub metrics: Metrics,
}

/// How well something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Health {
    Healthy,
    Degraded,
    Unhealthy,
}

impl Health {
    const fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        }
    }
}

struct Part {
    name: &'static str,
    health: Health,
    detail: Option<String>,
}

impl Part {
    fn new(name: &'static str, trouble: Option<(Health, String)>) -> Self {
        match trouble {
            Some((health, detail)) => Self { name, health, detail: Some(detail) },
            None => Self { name, health: Health::Healthy, detail: None },
        }
    }
}

/// `GET /health/live`: the process runs.
pub(super) async fn live() -> HttpResponse {
    say(answer::begin(Meaning::Fine, false), "live")
}

/// `GET /health/ready`: it may be sent traffic.
pub(super) async fn ready(operations: Data<Operations>) -> HttpResponse {
    let node = &operations.node;
    if node.is_ready() && node.shards.unreachable() + node.control.unreachable() == 0 {
        say(answer::begin(Meaning::Fine, false), "ready")
    } else {
        say(problem::begin_unready(), "not_ready")
    }
}

/// `GET /health`: each part.
pub(super) async fn parts(operations: Data<Operations>) -> HttpResponse {
    let parts = look(&operations.node);
    let health = parts.iter().map(|part| part.health).max().unwrap_or(Health::Healthy);
    let mut body = Vec::with_capacity(512);
    let mut object = Object::begin(&mut body);
    object.text("status", health.name());
    object.object("parts", |object| {
        for part in &parts {
            object.object(part.name, |object| {
                object.text("status", part.health.name());
                if let Some(detail) = &part.detail {
                    object.text("detail", detail);
                }
            });
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
pub(super) async fn metrics(operations: Data<Operations>) -> HttpResponse {
    let page = operations.metrics.page(&operations.node.status);
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    answer::begin(Meaning::Fine, false).insert_header((CONTENT_TYPE, kind)).body(page)
}

fn look(node: &Node) -> Vec<Part> {
    let status = &node.status;
    let is_set = |flag: &std::sync::atomic::AtomicBool| flag.load(Ordering::Relaxed);
    let journal = status.fatal().map(|reason| (Health::Unhealthy, reason));
    let disk = is_set(&status.disk_is_full).then(|| {
        (Health::Unhealthy, "the disk is full, so that nothing can be changed".to_owned())
    });
    let leapt = status.sequences.iter().any(|sequence| is_set(&sequence.clock_leapt));
    let clock = leapt.then(|| {
        let detail = "the clock leapt ahead, and an operator has to say whether it is right";
        (Health::Unhealthy, detail.to_owned())
    });
    let unreachable = node.shards.unreachable() + node.control.unreachable();
    let shards = if unreachable > 0 {
        Some((Health::Unhealthy, format!("{unreachable} cannot be reached")))
    } else if !node.is_ready() {
        Some((Health::Degraded, "not all of them know all campaigns yet".to_owned()))
    } else {
        None
    };
    let waiting = status.ledger_waiting.get();
    let ledger = (waiting > MANY_WAITING)
        .then(|| (Health::Degraded, format!("{waiting} batches wait to be written")));
    let mut memory = Part::new("memory", None);
    memory.detail = resident_bytes().map(|bytes| format!("{bytes} bytes resident"));
    vec![
        Part::new("journal", journal),
        Part::new("disk", disk),
        Part::new("clock", clock),
        Part::new("shards", shards),
        Part::new("ledger", ledger),
        memory,
    ]
}

/// The resident size of this process, where the operating system tells it.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
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
