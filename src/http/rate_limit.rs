//! How often a public API key may be used from one address, and what its answers say of that.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpMessage as _, HttpRequest};
use redeemd_domain::control::Role;

use super::client_address;
use super::problem::Problem;
use super::site::Site;
use crate::limits::Decision;
use crate::operation::Operation;
use crate::service::Caller;

/// The requests that may be made at once.
const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
/// How many of them are left.
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
/// The seconds until all of them are there again.
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

impl Site {
    /// Counts a request of a caller whose requests are limited; those of others pass.
    ///
    /// # Errors
    /// `rate_limited`, where there were too many of late.
    pub(super) async fn limit(&self, request: &HttpRequest, caller: Caller) -> Result<(), Problem> {
        let Some(rule) = self.operation.live.public_limit().filter(|_| caller.role == Role::Public)
        else {
            return Ok(());
        };
        let address = client_address::of_request(request, &self.operation.live);
        // A key that was just recognised is there.
        let id = self.worker.view().control().api_key(caller.number).map(|key| key.id);
        let id = id.ok_or_else(|| Problem::internal("an API key that was recognised is gone"))?;
        let Operation { sharing, limiter, .. } = &*self.operation;
        let decision = sharing.decide(limiter, id, address, rule).await;
        request.extensions_mut().insert(decision);
        decision.retry_after_seconds.map_or(Ok(()), |seconds| Err(Problem::rate_limited(seconds)))
    }
}

/// Says in an answer how the client stands, if its request was counted.
pub(super) fn tell(request: &HttpRequest, headers: &mut HeaderMap) {
    let extensions = request.extensions();
    let Some(decision) = extensions.get::<Decision>() else { return };
    headers.insert(LIMIT, HeaderValue::from(decision.limit));
    headers.insert(REMAINING, HeaderValue::from(decision.remaining));
    headers.insert(RESET, HeaderValue::from(decision.reset_seconds));
}
