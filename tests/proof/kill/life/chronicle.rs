//! The events of a server, read from a position on, whatever happens to the server in between.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use redeemd::client::{Client, Request};
use serde_json::Value;

use super::super::Fault;
use super::super::sending::{Sent, send};

/// Events that were read, in their order.
#[derive(Debug, Default)]
pub(super) struct Chronicle {
    /// Where to go on; empty is the beginning.
    position: String,
    /// The digest of each event, by its identifier.
    seen: HashMap<String, u64>,
    /// Those that nobody took yet.
    fresh: Vec<Value>,
}

impl Chronicle {
    /// Begins behind a position.
    pub(super) fn after(position: &str) -> Self {
        Self { position: position.to_owned(), ..Self::default() }
    }

    /// Reads a page, and says whether there may be more; `None` without an answer.
    pub(super) fn read_page(
        &mut self,
        client: &mut Client,
        limit: usize,
    ) -> Result<Option<bool>, Fault> {
        let after = match self.position.as_str() {
            "" => String::new(),
            position => format!("&after={position}"),
        };
        let path = format!("/api/v1/events?limit={limit}{after}");
        let page = match send(client, &Request::get(&path))? {
            Sent::Answered(answer) if answer.status() == 200 => {
                answer.json().map_err(|error| error.to_string())?
            }
            Sent::Answered(answer) if answer.status() != 503 => {
                return Err(format!("events after {:?} got {}", self.position, answer.summary()));
            }
            _ => return Ok(None),
        };
        let (events, next) = (&page["data"], &page["next_cursor"]);
        for event in events.as_array().into_iter().flatten() {
            let id = event["id"].as_str().ok_or("an event has no id")?.to_owned();
            if self.seen.insert(id, digest(event)).is_some() {
                return Err(format!("an event came twice: {event}"));
            }
            self.fresh.push(event.clone());
        }
        let next = next.as_str().ok_or("a page of events has no cursor")?;
        let goes_on = next != self.position;
        next.clone_into(&mut self.position);
        Ok(Some(goes_on))
    }

    /// Reads to the end.
    pub(super) fn catch_up(&mut self, client: &mut Client) -> Result<(), Fault> {
        while self.read_page(client, 1_000)?.ok_or("the events are not to be had")? {}
        Ok(())
    }

    /// What was read and not taken before.
    pub(super) fn take(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.fresh)
    }

    /// Insists that another one has read the same events.
    pub(super) fn compare(&self, other: &Self) -> Result<(), Fault> {
        let differing = self.seen.iter().find(|(id, digest)| other.seen.get(*id) != Some(*digest));
        let (one, two) = (self.seen.len(), other.seen.len());
        match differing {
            None if one == two => Ok(()),
            _ => Err(format!("{one} events were read and are {two} now, such as {differing:?}")),
        }
    }
}

/// A digest of what is written the same way each time.
pub(super) fn digest(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.to_string().hash(&mut hasher);
    hasher.finish()
}
