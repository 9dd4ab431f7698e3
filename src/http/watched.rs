//! An answer's body that says when it is complete: until then its request counts as under way.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use pin_project_lite::pin_project;

use super::metrics::InFlight;
use crate::operation::UnderWay;

pin_project! {
    /// The body, and what its end ends.
    pub(super) struct Watched<B> {
        #[pin]
        body: B,
        in_flight: InFlight,
        under_way: Option<UnderWay>,
    }
}

impl<B> Watched<B> {
    /// A body, with what ends when it is sent or dropped.
    pub(super) fn new(body: B, in_flight: InFlight, under_way: Option<UnderWay>) -> Self {
        Self { body, in_flight, under_way }
    }
}

impl<B: MessageBody> MessageBody for Watched<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.project().body.poll_next(context)
    }

    /// A body that is there as a whole goes to the connection as a whole, and is as good as sent.
    fn try_into_bytes(self) -> Result<Bytes, Self> {
        let Self { body, in_flight, under_way } = self;
        body.try_into_bytes().map_err(|body| Self { body, in_flight, under_way })
    }
}
