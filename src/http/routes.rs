//! Which address leads where.
//!
//! Every resource has a boundary of its own, so that it is counted without looking anything up, and
//! says itself which methods it has.

use actix_web::dev::HttpServiceFactory;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpResponse, Route};

use super::admission::Admission;
use super::boundary::Boundary;
use super::metrics::Metrics;
use super::problem::Problem;
use super::{
    api_keys, backup, baseline, campaigns, clock, codes, description, events, health, holds,
    imports, lookup, redemption_batch, redemption_list, redemptions, revocation, rollbacks,
    top_ups, validations,
};

/// What the addresses of the interface begin with.
const INTERFACE: &str = "/api/";

/// Routes that are there for some purposes only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extras {
    /// None: what a server has.
    #[default]
    None,
    /// `POST /bench/baseline`, which answers without a shard.
    Baseline,
}

/// The interface for clients. The routes that are used most come first.
pub(super) fn interface(config: &mut ServiceConfig, metrics: &Metrics, extras: Extras) {
    config.service(resource(
        metrics,
        "/api/v1/redemptions",
        "GET, POST",
        [web::post().to(redemptions::redeem), web::get().to(redemption_list::list)],
    ));
    config.service(resource(
        metrics,
        "/api/v1/redemptions/batch",
        "POST",
        [web::post().to(redemption_batch::redeem)],
    ));
    config.service(resource(
        metrics,
        "/api/v1/validations",
        "POST",
        [web::post().to(validations::validate)],
    ));
    if extras == Extras::Baseline {
        let route = web::post().to(baseline::answer);
        config.service(resource(metrics, "/bench/baseline", "POST", [route]));
    }
    config.service(resource(
        metrics,
        "/api/v1/redemptions/{id}",
        "GET",
        [web::get().to(redemptions::read)],
    ));
    config.service(resource(
        metrics,
        "/api/v1/redemptions/{id}/rollback",
        "POST",
        [web::post().to(rollbacks::roll_back)],
    ));
    config.service(resource(metrics, "/api/v1/holds", "POST", [web::post().to(holds::place)]));
    config.service(resource(
        metrics,
        "/api/v1/holds/{id}",
        "DELETE, GET",
        [web::get().to(holds::read), web::delete().to(holds::release)],
    ));
    config.service(resource(
        metrics,
        "/api/v1/holds/{id}/confirm",
        "POST",
        [web::post().to(holds::confirm)],
    ));
    config.service(resource(
        metrics,
        "/api/v1/codes/top-up",
        "POST",
        [web::post().to(top_ups::top_up)],
    ));
    config.service(resource(
        metrics,
        "/api/v1/codes/lookup",
        "POST",
        [web::post().to(lookup::look_up)],
    ));
    config.service(resource(
        metrics,
        "/api/v1/codes/revoke",
        "POST",
        [web::post().to(revocation::revoke)],
    ));
    config.service(resource(
        metrics,
        "/api/v1/codes/restore",
        "POST",
        [web::post().to(revocation::restore)],
    ));
    config.service(resource(
        metrics,
        "/api/v1/api-keys",
        "GET, POST",
        [web::post().to(api_keys::make), web::get().to(api_keys::list)],
    ));
    config.service(resource(
        metrics,
        "/api/v1/api-keys/{id}",
        "DELETE",
        [web::delete().to(api_keys::revoke)],
    ));
    config.service(resource(
        metrics,
        "/api/v1/campaigns",
        "GET, POST",
        [web::post().to(campaigns::make), web::get().to(campaigns::list)],
    ));
    config.service(resource(
        metrics,
        "/api/v1/campaigns/{id}",
        "GET, PATCH",
        [web::get().to(campaigns::read), web::patch().to(campaigns::change)],
    ));
    config.service(resource(
        metrics,
        "/api/v1/campaigns/{id}/codes",
        "GET, POST",
        [web::post().to(codes::issue), web::get().to(codes::export)],
    ));
    config.service(resource(
        metrics,
        "/api/v1/campaigns/{id}/codes/import",
        "POST",
        [web::post().to(imports::import)],
    ));
    config.service(resource(
        metrics,
        "/api/v1/campaigns/{id}/pause",
        "POST",
        [web::post().to(campaigns::pause)],
    ));
    config.service(resource(
        metrics,
        "/api/v1/campaigns/{id}/resume",
        "POST",
        [web::post().to(campaigns::resume)],
    ));
    config.service(resource(
        metrics,
        "/api/v1/campaigns/{id}/archive",
        "POST",
        [web::post().to(campaigns::archive)],
    ));
    config.service(resource(
        metrics,
        "/api/v1/clock/believe",
        "POST",
        [web::post().to(clock::believe)],
    ));
    config.service(resource(metrics, "/api/v1/events", "GET", [web::get().to(events::follow)]));
    config.service(resource(metrics, "/api/v1/backup", "GET", [web::get().to(backup::take)]));
    config.service(resource(
        metrics,
        "/api/v1/openapi.json",
        "GET",
        [web::get().to(description::document)],
    ));
    config.service(resource(metrics, "/api/v1/docs", "GET", [web::get().to(description::page)]));
}

/// The routes for those who run the server. Whoever only wants to know whether it is there asks with
/// HEAD.
pub(super) fn operations(config: &mut ServiceConfig, metrics: &Metrics) {
    config.app_data(Data::new(metrics.clone()));
    config.service(resource(
        metrics,
        "/health/live",
        "GET, HEAD",
        [web::get().to(health::live), web::head().to(health::live)],
    ));
    config.service(resource(
        metrics,
        "/health/ready",
        "GET, HEAD",
        [web::get().to(health::ready), web::head().to(health::ready)],
    ));
    config.service(resource(
        metrics,
        "/health",
        "GET, HEAD",
        [web::get().to(health::parts), web::head().to(health::parts)],
    ));
    config.service(resource(
        metrics,
        "/metrics",
        "GET, HEAD",
        [web::get().to(health::metrics), web::head().to(health::metrics)],
    ));
}

/// Everything else.
pub(super) fn nowhere(metrics: &Metrics) -> Route {
    let answer = || async { Err::<HttpResponse, _>(Problem::not_found()) };
    web::route().to(answer).wrap(Boundary::new(metrics.route("other")))
}

/// A resource with these routes, and the answer for methods that it does not have.
fn resource<const ROUTES: usize>(
    metrics: &Metrics,
    path: &'static str,
    methods: &'static str,
    routes: [Route; ROUTES],
) -> impl HttpServiceFactory + 'static {
    let refuse =
        move || async move { Err::<HttpResponse, _>(Problem::method_not_allowed(methods)) };
    let mut resource = web::resource(path);
    for route in routes {
        resource = resource.route(route);
    }
    // Whoever watches the server has to hear from it above all when it has too much to do.
    let admission = match path.starts_with(INTERFACE) {
        true => Admission::WhereThereIsRoom,
        false => Admission::Always,
    };
    resource
        .default_service(web::route().to(refuse))
        .wrap(admission)
        .wrap(Boundary::new(metrics.route(path)))
}
