//! What every request passes on its way in and out: it gets its identifier, is counted, and where it
//! ended in an error, the problem document is written here and nowhere else.

use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::time::Instant;

use actix_web::HttpMessage as _;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::ConnectionType;
use actix_web::http::header::HeaderName;

use super::access_log::{self, Answered};
use super::cross_origin;
use super::metrics::RouteMetrics;
use super::problem::Problem;
use super::rate_limit;
use super::request_id::RequestId;
use super::trace_id::TraceId;
use super::watched::Watched;
use crate::operation::Connection;

/// The header that carries a request's identifier.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The header that says of which trace a request is a part.
const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");

/// The boundary of one route.
#[derive(Clone)]
pub(super) struct Boundary {
    metrics: Rc<RouteMetrics>,
}

impl Boundary {
    /// The boundary of a route that is counted here.
    pub(super) fn new(metrics: RouteMetrics) -> Self {
        Self { metrics: Rc::new(metrics) }
    }
}

impl<S, B> Transform<S, ServiceRequest> for Boundary
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<Watched<EitherBody<B>>>;
    type Error = actix_web::Error;
    type Transform = BoundaryService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(BoundaryService { service, metrics: Rc::clone(&self.metrics) }))
    }
}

/// See [`Boundary`].
pub(super) struct BoundaryService<S> {
    service: S,
    metrics: Rc<RouteMetrics>,
}

impl<S, B> Service<ServiceRequest> for BoundaryService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<Watched<EitherBody<B>>>;
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>>>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let begun = Instant::now();
        let id = RequestId::of(request.headers().get(REQUEST_ID))
            .in_trace(TraceId::of(request.headers().get(TRACE_PARENT)));
        request.extensions_mut().insert(id.clone());
        let in_flight = self.metrics.begin();
        let under_way = request.conn_data::<Rc<Connection>>().map(Connection::begin);
        let metrics = Rc::clone(&self.metrics);
        let answering = match cross_origin::preflight(&request, &metrics) {
            None => Ok(self.service.call(request)),
            Some(answer) => Err(request.into_response(answer)),
        };
        Box::pin(async move {
            let mut response = match answering {
                Ok(answering) => finish(answering.await?, &id, &metrics),
                Err(answer) => answer.map_into_right_body(),
            };
            let (request, head) = (response.request().clone(), response.headers_mut());
            head.insert(REQUEST_ID, id.header());
            rate_limit::tell(&request, head);
            cross_origin::tell(request.headers(), &metrics, head);
            if metrics.operation().lifecycle.closes_connections() {
                response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
            }
            let (status, duration) = (response.status().as_u16(), begun.elapsed());
            metrics.observe(status, duration);
            access_log::note(&Answered {
                id: &id,
                method: response.request().method(),
                metrics: &metrics,
                status,
                duration,
            });
            Ok(response.map_body(|_, body| Watched::new(body, in_flight, under_way)))
        })
    }
}

/// The response, with a problem document in place of an error.
fn finish<B: MessageBody>(
    response: ServiceResponse<B>,
    id: &RequestId,
    metrics: &RouteMetrics,
) -> ServiceResponse<EitherBody<B>> {
    let Some(error) = response.response().error() else {
        return response.map_into_left_body();
    };
    let answer = match error.as_error::<Problem>() {
        Some(problem) => tell(problem, id, metrics),
        None => tell(&Problem::of_foreign(error), id, metrics),
    };
    response.into_response(answer.map_into_right_body())
}

fn tell(problem: &Problem, id: &RequestId, metrics: &RouteMetrics) -> actix_web::HttpResponse {
    metrics.count_problem(problem.kind().name());
    problem.log(id, metrics.route());
    problem.answer(id)
}
