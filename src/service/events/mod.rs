//! Events: every outcome that changed something, from any position on, without gaps.
//!
//! They are read from the ledger and from nowhere else, so that what was given out once is given out
//! again from the same position, whatever happened to the server in between.

mod event;
mod filter;
mod kind;
mod look_forward;
mod position;
mod register;

use redeemd_domain::machine::Machine as _;
use redeemd_domain::sequence::{Position, SequenceId};

pub use event::{Event, EventRecord};
pub use filter::EventFilter;
pub use kind::EventKind;
pub use look_forward::LookForward;
pub use position::EventPosition;
pub use register::{Register, ToldNames};

use super::error::Error;
use super::ledger_search;
use super::worker::Worker;

/// The most records that are looked at for one page.
const MOST_RECORDS: usize = 100_000;

/// How many bytes of records are enough for one page.
const ENOUGH_BYTES: usize = 4 << 20;

/// Some events.
#[derive(Debug)]
pub struct EventPage {
    /// In an order that keeps that of every code.
    pub events: Vec<Event>,
    /// After the last of them, and after what the filter passed over behind it.
    pub next: EventPosition,
}

impl Worker {
    /// The events after a position: at most `limit` of them. Every event that was answered before is
    /// among them, or comes on a later page; a page may be short, and its position is where to go on.
    ///
    /// # Errors
    /// When a sequence or the ledger cannot be asked, or when too many lists are being read.
    pub async fn events(
        &self,
        filter: EventFilter,
        after: EventPosition,
        limit: usize,
    ) -> Result<EventPage, Error> {
        let permit = self.turn_to_read().await?;
        let ledger = self.node().ledger.clone();
        let upto = EventPosition::end(&ledger, after.numbers().len());
        ledger_search::waiting(move || {
            // Whoever hangs up does not make room for others: the reading goes on.
            let _permit = permit;
            let mut look = LookForward::begin(&ledger, after, upto)?;
            let mut events = Vec::new();
            let mut kept_bytes = 0;
            while events.len() < limit && look.looked_at() < MOST_RECORDS {
                let Some(event) = look.next_event()? else { break };
                if filter.admits(event.kind, &event.campaigns) {
                    kept_bytes += event.bytes;
                    events.push(event);
                }
                if kept_bytes >= ENOUGH_BYTES {
                    break;
                }
            }
            Ok(EventPage { events, next: look.position().clone() })
        })
        .await
    }

    /// The position after everything that was answered so far. The ledger has all of it.
    ///
    /// # Errors
    /// When a sequence cannot be asked, or the ledger is too far behind.
    pub async fn event_end(&self) -> Result<EventPosition, Error> {
        self.wait_for_all().await?;
        let ledger = &self.node().ledger;
        let number = self.view().control().last();
        let control = Position { sequence: SequenceId::CONTROL, number };
        ledger_search::wait_until_appended(ledger, control).await?;
        Ok(EventPosition::end(ledger, self.sequences()))
    }

    /// How many sequences there are, the control sequence included.
    pub fn sequences(&self) -> usize {
        usize::from(self.node().layout.shards()) + 1
    }

    /// What events name by number.
    pub fn register(&self) -> Register {
        Register::new(&self.node().view, &self.inner().vault)
    }
}
