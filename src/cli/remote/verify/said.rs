//! Events as the server says them.

use std::borrow::Cow;

use redeemd_domain::codes::Hint;
use redeemd_domain::identifier::EventId;
use serde::Deserialize;
use serde_json::value::RawValue;

/// An event as the server says it.
pub(super) struct Said {
    /// Which.
    pub(super) id: EventId,
    /// What it says, to the letter.
    pub(super) text: Box<RawValue>,
    /// The handles of the codes that it is about, in its order.
    pub(super) hints: Vec<Hint>,
    /// How many rows it may have left, about.
    pub(super) rows: u64,
}

/// What must be known of an event besides its text.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    redemption: Option<Handle>,
    rollback: Option<Handle>,
    top_up: Option<Handle>,
    hold: Option<Handle>,
    code: Option<Handle>,
    #[serde(default)]
    holds: Vec<Handle>,
    codes: Option<Count>,
}

#[derive(Deserialize)]
struct Handle {
    code_hint: Option<String>,
}

#[derive(Deserialize)]
struct Count {
    count: u64,
}

impl Said {
    /// Reads an event.
    ///
    /// # Errors
    /// When it is not as this redeemd knows events.
    pub(super) fn read(text: Box<RawValue>) -> anyhow::Result<Self> {
        let head: Head<'_> = serde_json::from_str(text.get())?;
        let id = EventId::parse(&head.id)
            .ok_or_else(|| anyhow::anyhow!("{} is no identifier of an event", head.id))?;
        let Head { redemption, rollback, top_up, hold, code, holds, codes, .. } = head;
        let handles = [redemption, rollback, top_up, hold, code].into_iter().flatten().chain(holds);
        let hints = handles.filter_map(|handle| Hint::parse(&handle.code_hint?)).collect();
        let rows = codes.map_or(1, |codes| codes.count.max(1));
        Ok(Self { id, text, hints, rows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_handles_of_an_event_are_found_in_their_order() {
        let read = |text: &str| Said::read(RawValue::from_string(text.to_owned()).unwrap());
        let id = EventId::parse("evt_00000000000000000000001").unwrap().to_string();
        let holds = r#""holds":[{"code_hint":"00000001"},{"code_hint":"00000002"}],"hold":null"#;
        let said = read(&format!("{{\"id\":\"{id}\",{holds}}}")).unwrap();
        let hints: Vec<String> = said.hints.iter().map(ToString::to_string).collect();
        assert_eq!((hints, said.rows), (vec!["00000001".to_owned(), "00000002".to_owned()], 1));
        let said = read(&format!("{{\"id\":\"{id}\",\"codes\":{{\"count\":40}}}}")).unwrap();
        assert_eq!((said.hints.len(), said.rows), (0, 40));
        assert!(read("{\"id\":\"evt_1\"}").is_err() && read("{}").is_err());
    }
}
