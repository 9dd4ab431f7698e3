//! How much a thread takes on at a time. What is beyond is refused before anything is done for it.
//!
//! A thread that takes on whatever comes answers everything late: each request waits for all that came
//! before it. So there is a bound, and whoever comes beyond it hears at once that there is too much to
//! do, which costs a fraction of what redeeming costs. Health and metrics are never refused.

use std::cell::Cell;
use std::future::{Future, Ready, poll_fn, ready};
use std::pin::Pin;
use std::time::Duration;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Payload, Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::header::{CONTENT_LENGTH, HeaderMap};
use futures_core::Stream;

use super::problem::Problem;
use super::site::Site;
use crate::service::Error;

/// The largest body that is received of a request that is refused, in bytes. With a larger one the
/// connection is closed, which costs less than to wait for its end.
const PASSED_OVER_BYTES: u64 = 64 * 1024;

/// What a thread has taken on.
#[derive(Debug, Default)]
pub(super) struct Room {
    taken: Cell<usize>,
}

/// A request that was taken on, until this is dropped.
struct Taken(Site);

impl Room {
    /// Takes a request on, if there is room.
    fn take(site: &Site) -> Option<Taken> {
        let taken = site.room.taken.get();
        if taken >= site.operation.live.max_in_flight() {
            return None;
        }
        site.room.taken.set(taken + 1);
        Some(Taken(site.clone()))
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let taken = &self.0.room.taken;
        taken.set(taken.get().saturating_sub(1));
    }
}

/// Which requests of a resource are taken on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// All of them.
    Always,
    /// Those for which the thread has room; the others are refused.
    WhereThereIsRoom,
}

impl<S, B> Transform<S, ServiceRequest> for Admission
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = actix_web::Error;
    type Transform = AdmissionService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(AdmissionService { service, admission: *self }))
    }
}

/// See [`Admission`].
#[derive(Debug)]
pub(super) struct AdmissionService<S> {
    service: S,
    admission: Admission,
}

impl<S, B> Service<ServiceRequest> for AdmissionService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>>>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let site = match self.admission {
            Admission::Always => None,
            Admission::WhereThereIsRoom => request.app_data::<Site>(),
        };
        let taken = site.map(Room::take);
        if let (Some(site), Some(None)) = (site, &taken) {
            let patience = site.body_timeout;
            return Box::pin(async move { Ok(refuse(request, patience).await) });
        }
        let answering = self.service.call(request);
        Box::pin(async move {
            let answer = answering.await?;
            drop(taken);
            Ok(answer.map_into_left_body())
        })
    }
}

/// Says that there is too much to do. Nothing of the request is looked at, but its body is received
/// where it is short, so that the connection can go on.
async fn refuse<B>(request: ServiceRequest, patience: Duration) -> ServiceResponse<EitherBody<B>> {
    let (request, payload) = request.into_parts();
    if is_short(request.headers()) {
        // Whether it came to its end does not matter: where it did not, the connection is closed.
        let _ = tokio::time::timeout(patience, pass_over(payload)).await;
    }
    ServiceResponse::from_err(Problem::from(Error::Overloaded), request).map_into_right_body()
}

fn is_short(headers: &HeaderMap) -> bool {
    let Some(length) = headers.get(CONTENT_LENGTH) else { return false };
    let length = length.to_str().ok().and_then(|length| length.parse::<u64>().ok());
    length.is_some_and(|length| length <= PASSED_OVER_BYTES)
}

async fn pass_over(mut payload: Payload) {
    while let Some(Ok(_)) = poll_fn(|context| Pin::new(&mut payload).poll_next(context)).await {}
}
