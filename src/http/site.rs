//! What every handler of one thread works with.

use std::future::{Ready, ready};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::admission::Room;
use super::events::Feed;
use super::metrics::Metrics;
use super::problem::Problem;
use crate::operation::Operation;
use crate::service::{Origin, Worker};

/// The service and the bounds of requests. Clones are handles to the same.
#[derive(Clone)]
pub(super) struct Site(Rc<Content>);

/// See [`Site`].
pub(super) struct Content {
    /// The way to the sequences.
    pub worker: Worker,
    /// What is sent to those who listen to events.
    pub feed: Arc<Feed>,
    /// What is backed up.
    pub origin: Origin,
    /// The server's own running, with the settings that may change.
    pub operation: Arc<Operation>,
    /// What is counted.
    pub metrics: Metrics,
    /// What this thread has taken on.
    pub room: Room,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
}

impl Site {
    /// The site of this thread.
    pub(super) fn new(content: Content) -> Self {
        Self(Rc::new(content))
    }
}

impl std::ops::Deref for Site {
    type Target = Content;

    fn deref(&self) -> &Content {
        &self.0
    }
}

impl FromRequest for Site {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let site = request.app_data::<Self>().cloned();
        ready(site.ok_or_else(|| Problem::internal("the thread has no site")))
    }
}
