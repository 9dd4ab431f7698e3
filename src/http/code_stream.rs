//! Codes on their way to a client: made as they are sent, so that millions cost no memory.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::web::Bytes;
use futures_core::Stream;

use crate::service::{CodeRange, Error, KnownState, Worker};

/// How many codes are made at a time: about 64 KiB of text.
const CODES_A_PIECE: u64 = 2_048;

/// How many codes are asked about at a time.
const STATES_A_PIECE: u64 = 1_024;

/// In which form codes are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One object with all codes.
    Json,
    /// A line for each code, after a line with the name of the column.
    Csv,
    /// A line with an object for each code.
    Lines,
}

impl Form {
    /// The name of the form.
    pub(super) const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv",
            Self::Lines => "application/x-ndjson",
        }
    }

    /// What stands before all codes, between two, around each, and after all.
    const fn parts(self) -> Parts {
        match self {
            Self::Json => {
                Parts { head: "{\"codes\":[", before: "\"", after: "\"", between: ",", tail: "]}" }
            }
            Self::Csv => Parts { head: "code\n", before: "", after: "\n", between: "", tail: "" },
            Self::Lines => {
                Parts { head: "", before: "{\"code\":\"", after: "\"}\n", between: "", tail: "" }
            }
        }
    }

    /// How many bytes so many codes of a length take.
    pub(super) const fn size_bytes(self, count: u64, code_bytes: usize) -> u64 {
        let Parts { head, before, after, between, tail } = self.parts();
        let each = before.len() + code_bytes + after.len();
        (head.len() + tail.len()) as u64
            + count * each as u64
            + count.saturating_sub(1) * between.len() as u64
    }
}

struct Parts {
    head: &'static str,
    before: &'static str,
    after: &'static str,
    between: &'static str,
    tail: &'static str,
}

/// The text of a range of codes, piece by piece.
#[derive(Debug)]
pub(super) struct CodeStream {
    left: CodeRange,
    form: Form,
    has_begun: bool,
    has_ended: bool,
}

impl CodeStream {
    /// The text of these codes.
    pub(super) fn new(codes: CodeRange, form: Form) -> Self {
        Self { left: codes, form, has_begun: false, has_ended: false }
    }

    fn piece(&mut self) -> Vec<u8> {
        let Parts { head, before, after, between, tail } = self.form.parts();
        let piece = self.left.take(CODES_A_PIECE);
        let size = self.form.size_bytes(piece.count(), piece.code_bytes()) as usize + between.len();
        let mut text = Vec::with_capacity(size);
        let mut is_first = !std::mem::replace(&mut self.has_begun, true);
        if is_first {
            text.extend_from_slice(head.as_bytes());
        }
        piece.for_each(|code| {
            if !std::mem::replace(&mut is_first, false) {
                text.extend_from_slice(between.as_bytes());
            }
            text.extend_from_slice(before.as_bytes());
            text.extend_from_slice(code.as_bytes());
            text.extend_from_slice(after.as_bytes());
        });
        if self.left.count() == 0 {
            self.has_ended = true;
            text.extend_from_slice(tail.as_bytes());
        }
        text
    }
}

impl Stream for CodeStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(Ok(Bytes::from(self.piece()))))
    }
}

type Piece = Pin<Box<dyn Future<Output = Result<Bytes, Error>>>>;

/// A range of codes with the state of each, a line with an object for each code. Where a shard
/// cannot be asked half-way, the answer breaks off, and its client sees that.
pub(super) struct StateStream {
    worker: Worker,
    left: CodeRange,
    piece: Option<Piece>,
}

impl StateStream {
    /// The states of these codes.
    pub(super) fn new(worker: Worker, codes: CodeRange) -> Self {
        Self { worker, left: codes, piece: None }
    }
}

impl Stream for StateStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.piece.is_none() {
            let codes = self.left.take(STATES_A_PIECE);
            if codes.count() == 0 {
                return Poll::Ready(None);
            }
            self.piece = Some(Box::pin(lines(self.worker.clone(), codes)));
        }
        let Some(piece) = self.piece.as_mut() else { return Poll::Ready(None) };
        let result = std::task::ready!(piece.as_mut().poll(context));
        self.piece = None;
        if result.is_err() {
            self.left.take(u64::MAX);
        }
        Poll::Ready(Some(result))
    }
}

async fn lines(worker: Worker, codes: CodeRange) -> Result<Bytes, Error> {
    let states = worker.states(&codes).await?;
    let mut states = states.into_iter();
    let mut text = Vec::with_capacity(codes.count() as usize * 80);
    codes.for_each(|code| {
        let Some((state, uses)) = states.next() else { return };
        let state = match state {
            KnownState::Issued => "issued",
            KnownState::Redeemed => "redeemed",
            KnownState::Revoked => "revoked",
        };
        let mut line = super::json::Object::begin(&mut text);
        line.text("code", code);
        line.text("state", state);
        line.number("uses", uses);
        line.end();
        text.push(b'\n');
    });
    Ok(Bytes::from(text))
}
