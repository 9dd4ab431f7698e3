//! What the events tell: the lives of all codes, the counts of all campaigns, and what somebody was
//! or will be told of each event.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::super::Fault;
use super::book::Book;
use super::campaign::Code;
use super::chronicle::digest;
use super::code_life::CodeLife;
use super::counts::AllCounts;
use super::moment::millis;

/// Everything that the events tell.
#[derive(Debug, Default)]
pub(super) struct Model {
    codes: HashMap<String, CodeLife>,
    pub(super) counts: AllCounts,
    /// The digests of redemptions in campaigns of others, by identifier.
    others: HashMap<String, u64>,
    /// From when on ends of uses are written down, in milliseconds.
    pub(super) since: u64,
    /// Whose uses ended since then: the limits of their users may hear of it a little later.
    pub(super) ended: Vec<(Arc<Code>, String)>,
}

/// Whose doing an event is.
#[derive(Debug)]
pub(super) enum Author {
    /// The wish with this number, which was or will be answered so.
    Wish(u64, Value),
    /// Somebody who wished to hold a code, and was or will be answered so.
    Holder(Value),
    /// Somebody who gave this hold up.
    Releaser(String),
    /// The server itself, or somebody in a campaign of others.
    Nobody,
}

impl Model {
    /// An event happens.
    pub(super) fn apply(&mut self, event: &Value, book: &Book) -> Result<Author, Fault> {
        self.counts.apply(event);
        self.read(event, book).map_err(|fault| format!("{fault}\n{event}"))
    }

    /// The life of a code, if anything happened to it.
    pub(super) fn code(&self, hint: &str) -> Option<&CodeLife> {
        self.codes.get(hint)
    }

    /// The lives of all codes to which something happened.
    pub(super) fn lives(&self) -> impl Iterator<Item = &CodeLife> {
        self.codes.values()
    }

    /// Whether a hold is there that ends soon.
    pub(super) fn waits_for_an_end(&self, now: u64) -> bool {
        let mut holds = self.codes.values().flat_map(CodeLife::live);
        holds
            .any(|(_, hold)| millis(&hold.answer["expires_at"]).is_ok_and(|end| end < now + 60_000))
    }

    /// How many redemptions of others' campaigns there were.
    pub(super) fn count_of_others(&self) -> usize {
        self.others.len()
    }

    /// Insists that redemptions in campaigns of others are told as they were answered.
    pub(super) fn check_others(&self, answers: &[Value]) -> Result<(), Fault> {
        let is_told = |answer: &&Value| {
            let id = answer["id"].as_str().unwrap_or_default();
            self.others.get(id) == Some(&digest(answer))
        };
        match answers.iter().find(|answer| !is_told(answer)) {
            Some(answer) => Err(format!("LOST: no event tells of {answer}")),
            None => Ok(()),
        }
    }

    fn read(&mut self, event: &Value, book: &Book) -> Result<Author, Fault> {
        let kind = event["type"].as_str().unwrap_or_default();
        let at = &event["created_at"];
        if kind == "holds.expired" {
            for hold in event["holds"].as_array().into_iter().flatten() {
                book.tally.count("expired");
                self.end(hold, "expired", at, book)?;
            }
            return Ok(Author::Nobody);
        }
        let campaign = event["campaign_id"].as_str().unwrap_or_default();
        if book.campaign(campaign).is_none() {
            if kind == "redemption.created" {
                let redemption = &event["redemption"];
                let id = redemption["id"].as_str().ok_or("a redemption has no id")?;
                self.others.insert(id.to_owned(), digest(redemption));
            }
            return Ok(Author::Nobody);
        }
        Ok(match kind {
            "redemption.created" => {
                let redemption = &event["redemption"];
                let life = self.life(redemption, book)?;
                let told = life.redeem(redemption, event["ends_hold"] == true)?;
                let wish = redemption["metadata"]["wish"].as_u64();
                Author::Wish(wish.ok_or("nobody wished for it")?, told)
            }
            "redemption.rolled_back" | "redemption.partly_rolled_back" => {
                let (rollback, is_whole) = (&event["rollback"], kind == "redemption.rolled_back");
                let told = self.life(rollback, book)?.roll_back(rollback, at, is_whole)?;
                if is_whole {
                    self.note_end(rollback, at, book)?;
                }
                Author::Wish(wish_in(&rollback["reason"])?, told)
            }
            "code.topped_up" => {
                let top_up = &event["top_up"];
                let told = self.life(top_up, book)?.top_up(top_up)?;
                Author::Wish(wish_in(&top_up["reason"])?, told)
            }
            "hold.placed" => {
                let hold = &event["hold"];
                Author::Holder(self.life(hold, book)?.place(hold, at)?)
            }
            "hold.prolonged" => {
                book.tally.count("prolonged");
                let hold = &event["hold"];
                Author::Holder(self.life(hold, book)?.prolong(hold)?)
            }
            "hold.released" => {
                let hold = &event["hold"];
                self.end(hold, "released", at, book)?;
                Author::Releaser(hold["id"].as_str().unwrap_or_default().to_owned())
            }
            "campaign.created" | "campaign.updated" | "codes.issued" | "codes.listed" => {
                Author::Nobody
            }
            _ => return Err("nobody did anything like this".to_owned()),
        })
    }

    fn end(&mut self, hold: &Value, status: &str, at: &Value, book: &Book) -> Result<(), Fault> {
        self.life(hold, book)?.end(hold, status, at)?;
        self.note_end(hold, at, book)
    }

    fn note_end(&mut self, ended: &Value, at: &Value, book: &Book) -> Result<(), Fault> {
        if millis(at)? >= self.since {
            let user = ended["user_id"].as_str().unwrap_or_default().to_owned();
            let code = Arc::clone(&self.life(ended, book)?.code);
            self.ended.push((code, user));
        }
        Ok(())
    }

    /// The life of the code that a part of an event names.
    fn life(&mut self, part: &Value, book: &Book) -> Result<&mut CodeLife, Fault> {
        let hint = part["code_hint"].as_str().unwrap_or_default();
        if !self.codes.contains_key(hint) {
            let code = book.code(hint).ok_or("nobody has such a code")?;
            self.codes.insert(hint.to_owned(), CodeLife::new(code));
        }
        self.codes.get_mut(hint).ok_or_else(|| "there is no such code".to_owned())
    }
}

/// The users who have a use of a code, each as often as that.
pub(super) fn uses_of(life: &CodeLife) -> impl Iterator<Item = &str> {
    let redemptions = life.redemptions.iter().filter(|redemption| redemption.stands());
    let holds = life.live().map(|(_, hold)| hold.user.as_str());
    redemptions.map(|redemption| redemption.user()).chain(holds)
}

/// The number of the wish that a reason names.
fn wish_in(reason: &Value) -> Result<u64, Fault> {
    let number = reason.as_str().and_then(|reason| reason.strip_prefix("wish ")?.parse().ok());
    number.ok_or_else(|| format!("nobody wished for it: {reason}"))
}
