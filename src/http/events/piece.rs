//! A piece of the stream: some events in the form of server-sent events, rendered once for everybody.

use std::sync::Arc;

use actix_web::web::Bytes;
use redeemd_domain::codes::CampaignNumber;
use redeemd_domain::timestamp::Timestamp;
use redeemd_persistence::ledger::LedgerReader;

use super::super::json::Object;
use super::body;
use super::position_text::PositionText;
use crate::service::{Error, EventFilter, EventKind, EventPosition, LookForward, Register};

/// A piece is closed once it has so many bytes.
pub(super) const PIECE_BYTES: usize = 64 << 10;

/// The most records that are looked at for one piece: most of them may be no events.
const MOST_RECORDS: usize = 10_000;

/// Some events, and where the next piece begins.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    /// The text of the events, as it is sent.
    pub(super) text: Bytes,
    /// Where in the text the events are, in order.
    marks: Arc<[Mark]>,
    /// The position after them.
    pub(super) end: EventPosition,
    /// When the last one happened.
    pub(super) newest: Option<Timestamp>,
}

/// One event of a piece.
#[derive(Debug)]
struct Mark {
    kind: EventKind,
    campaigns: Vec<CampaignNumber>,
    /// Where its text ends. It begins where the one before it ends.
    end: usize,
}

impl Piece {
    /// Reads and renders the events after a position, and none beyond another.
    ///
    /// # Errors
    /// When the ledger does not read.
    pub(super) fn render(
        ledger: &LedgerReader,
        register: &Register,
        form: PositionText,
        after: EventPosition,
        upto: EventPosition,
    ) -> Result<Self, Error> {
        let mut look = LookForward::begin(ledger, after, upto)?;
        let mut text = Vec::new();
        let (mut marks, mut newest, mut id) = (Vec::<Mark>::new(), None, String::new());
        while text.len() < PIECE_BYTES && look.looked_at() < MOST_RECORDS {
            let Some(event) = look.next_event()? else { break };
            id.clear();
            form.append(look.position(), &mut id);
            for part in ["id: ", &id, "\nevent: ", event.kind.name(), "\ndata: "] {
                text.extend_from_slice(part.as_bytes());
            }
            newest = Some(event.id.at);
            let mut object = Object::begin(&mut text);
            body::write(&event, register, &mut object);
            object.end();
            text.extend_from_slice(b"\n\n");
            let end = text.len();
            marks.push(Mark { kind: event.kind, campaigns: event.campaigns, end });
        }
        Ok(Self { text: text.into(), marks: marks.into(), end: look.position().clone(), newest })
    }

    /// The text of the events that a filter admits, and how many these are.
    pub(super) fn filtered(&self, filter: &EventFilter) -> (Bytes, u64) {
        if filter.admits_all() {
            return (self.text.clone(), self.marks.len() as u64);
        }
        let (mut text, mut begin, mut count) = (Vec::new(), 0, 0);
        for mark in self.marks.iter() {
            if filter.admits(mark.kind, &mark.campaigns) {
                text.extend_from_slice(self.text.get(begin..mark.end).unwrap_or_default());
                count += 1;
            }
            begin = mark.end;
        }
        (text.into(), count)
    }
}
