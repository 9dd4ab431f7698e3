//! One listener: a stream that goes on from its own position, as fast as its reader takes it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use actix_web::web::Bytes;
use futures_core::Stream;

use super::feed::Feed;
use super::piece::PIECE_BYTES;
use crate::operation::Listening;
use crate::service::{Caller, Error, EventFilter, EventPosition, Worker};

/// The most pieces that are looked at in one turn: a filter may leave nothing of them.
const MOST_PIECES: usize = 64;

/// How long a client that lost the stream waits before it asks again, in milliseconds.
const RETRY_MS: u32 = 2_000;

/// Sends the events after a position, and what comes after them.
pub(super) struct Listener {
    pub(super) feed: Arc<Feed>,
    pub(super) listening: Listening,
    pub(super) worker: Worker,
    pub(super) caller: Caller,
    pub(super) filter: EventFilter,
    pub(super) position: EventPosition,
}

/// What is sent next, and the listener for what comes then.
type Next = Pin<Box<dyn Future<Output = (Listener, Option<Result<Bytes, Error>>)>>>;

/// The text of a listener's stream. It is made when the connection has room for it, and not before.
pub(super) struct EventStream {
    /// `None` at the end.
    next: Option<Next>,
}

impl EventStream {
    /// The stream of a listener.
    pub(super) fn new(listener: Listener) -> Self {
        // The client knows at once where it stands, even if nothing happens for long.
        let head = format!("retry: {RETRY_MS}\n{}", listener.here());
        Self { next: Some(Box::pin(async move { (listener, Some(Ok(head.into()))) })) }
    }
}

impl Stream for EventStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(next) = self.next.as_mut() else { return Poll::Ready(None) };
        let (listener, text) = ready!(next.as_mut().poll(context));
        let goes_on = matches!(text, Some(Ok(_)));
        self.next = goes_on.then(|| Box::pin(listener.advance()) as Next);
        if let Some(Err(error)) = &text {
            tracing::error!(%error, "a stream of events broke off");
        }
        Poll::Ready(text)
    }
}

impl Listener {
    /// What is sent next; `None` at the end.
    async fn advance(mut self) -> (Self, Option<Result<Bytes, Error>>) {
        let text = self.next_text().await.transpose();
        (self, text)
    }

    async fn next_text(&mut self) -> Result<Option<Bytes>, Error> {
        let heartbeat = Instant::now() + self.feed.heartbeat();
        loop {
            self.feed.wait(&self.position, heartbeat).await;
            if self.feed.is_over() || !self.is_let_in() {
                return Ok(None);
            }
            let text = self.collect().await?;
            if !text.is_empty() {
                return Ok(Some(text));
            }
            if Instant::now() >= heartbeat {
                // A comment, so that nobody takes the connection for dead, and the position, since
                // the filter may have passed over much.
                return Ok(Some(format!(": still here\n{}", self.here()).into()));
            }
        }
    }

    /// What there is to be sent in one turn; empty where there is nothing.
    async fn collect(&mut self) -> Result<Bytes, Error> {
        if !self.feed.has_news(&self.position) {
            return Ok(Bytes::new());
        }
        self.feed.turn().await;
        let (mut texts, mut bytes, mut rendered_bytes, mut events) = (Vec::new(), 0, 0, 0);
        let mut newest = None;
        for _ in 0..MOST_PIECES {
            let Some((piece, rendered)) = self.feed.piece(&self.position).await? else { break };
            let (text, count) = piece.filtered(&self.filter);
            rendered_bytes += rendered;
            bytes += text.len();
            events += count;
            newest = piece.newest.filter(|_| count > 0).or(newest);
            self.position = piece.end;
            if !text.is_empty() {
                texts.push(text);
            }
            if bytes >= PIECE_BYTES {
                break;
            }
        }
        self.feed.sent(bytes, rendered_bytes);
        self.listening.sent(events, bytes as u64, newest);
        Ok(match <[Bytes; 1]>::try_from(texts) {
            Ok([text]) => text,
            Err(texts) => texts.concat().into(),
        })
    }

    /// Whether its API key is still let in, as far as is known here.
    fn is_let_in(&self) -> bool {
        let view = self.worker.view();
        view.control().api_key(self.caller.number).is_some_and(|key| !key.revoked)
    }

    /// The event that is none, and only says where the stream is.
    fn here(&self) -> String {
        format!("id: {}\n\n", self.feed.form.write(&self.position))
    }
}
