//! The book: everything that clients were told, and everything that they may have done.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use super::Fault;
use super::code::History;
use super::rules::Rules;

/// Everything that is known.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) campaigns: RwLock<Vec<Arc<Campaign>>>,
    /// Requests with a key that were cut off: the code and the key.
    pub(super) lost: Mutex<Vec<(Arc<Code>, String)>>,
    /// Requests with a key that were answered with a redemption.
    pub(super) answered: Mutex<Vec<(Arc<Code>, String)>>,
    /// Redemptions that were acknowledged since the last look.
    pub(super) fresh: Mutex<Vec<serde_json::Value>>,
    /// All that were, by id.
    ids: Mutex<HashSet<String>>,
    /// The texts of all codes.
    texts: Mutex<HashSet<String>>,
    tally: Tally,
}

/// How often what happened.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) rounds: AtomicU64,
    pub(super) redeemed: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) repeated: AtomicU64,
    pub(super) reused: AtomicU64,
    pub(super) cut_off: AtomicU64,
    pub(super) had_happened: AtomicU64,
    pub(super) changes: AtomicU64,
    pub(super) issues: AtomicU64,
    pub(super) checked: AtomicU64,
    pub(super) overloaded: AtomicU64,
}

/// A campaign.
#[derive(Debug)]
pub(super) struct Campaign {
    pub(super) id: String,
    pub(super) rules: Mutex<Rules>,
    pub(super) codes: RwLock<Vec<Arc<Code>>>,
    pub(super) issued: Mutex<Issued>,
}

/// What was issued.
#[derive(Debug, Default)]
pub(super) struct Issued {
    /// The index behind the last range that was acknowledged.
    pub(super) end: u64,
    /// Codes that may have been issued besides: requests that were cut off.
    pub(super) unknown: u64,
    /// A request with a key that was cut off: key and count.
    pub(super) lost: Option<(String, u64)>,
}

/// A code.
#[derive(Debug)]
pub(super) struct Code {
    pub(super) text: String,
    /// Its index within the campaign.
    pub(super) index: u64,
    pub(super) campaign: Arc<Campaign>,
    pub(super) history: Mutex<History>,
}

impl Campaign {
    pub(super) fn new(id: String, rules: Rules) -> Self {
        Self { id, rules: Mutex::new(rules), codes: RwLock::default(), issued: Mutex::default() }
    }

    /// Where it is read.
    pub(super) fn path(&self) -> String {
        format!("/api/v1/campaigns/{}", self.id)
    }

    /// Where its codes are.
    pub(super) fn codes_path(&self) -> String {
        format!("{}/codes", self.path())
    }

    /// Its rules as they are known now.
    pub(super) fn rules(&self) -> Rules {
        self.rules.lock().unwrap().clone()
    }

    /// Writes down codes that were issued.
    pub(super) fn add(
        self: &Arc<Self>,
        book: &Book,
        first: u64,
        codes: Vec<String>,
    ) -> Result<(), Fault> {
        let mut issued = self.issued.lock().unwrap();
        if first < issued.end {
            return Err(format!(
                "codes from {first} on were issued, and {} before them",
                issued.end
            ));
        }
        if first > issued.end + issued.unknown {
            return Err(format!("codes from {first} on were issued, and only {issued:?} before"));
        }
        // What lies between may have been issued to somebody who never heard of it.
        issued.unknown -= first - issued.end;
        issued.end = first + codes.len() as u64;
        let mut texts = book.texts.lock().unwrap();
        let mut known = self.codes.write().unwrap();
        for (index, text) in (first..).zip(codes) {
            if !texts.insert(text.clone()) {
                return Err(format!("the code with index {index} was issued before"));
            }
            let history = Mutex::default();
            known.push(Arc::new(Code { text, index, campaign: Arc::clone(self), history }));
        }
        book.tally.issues.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

impl Book {
    /// What was counted.
    pub(super) fn tally(&self) -> &Tally {
        &self.tally
    }

    pub(super) fn count_round(&self) {
        self.tally.rounds.fetch_add(1, Ordering::Relaxed);
    }

    /// All campaigns.
    pub(super) fn campaigns(&self) -> Vec<Arc<Campaign>> {
        self.campaigns.read().unwrap().clone()
    }

    /// Writes down a redemption that was acknowledged for the first time.
    pub(super) fn note(&self, redemption: &serde_json::Value) -> Result<(), Fault> {
        let id = redemption["id"].as_str().ok_or("a redemption has no id")?;
        if !self.ids.lock().unwrap().insert(id.to_owned()) {
            return Err(format!("the id {id} was given twice"));
        }
        self.fresh.lock().unwrap().push(redemption.clone());
        self.tally.redeemed.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// What was acknowledged since the last look.
    pub(super) fn unseen(&self) -> Vec<serde_json::Value> {
        self.fresh.lock().unwrap().clone()
    }

    /// What happened, for people.
    pub(super) fn summary(&self) -> String {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let tally = &self.tally;
        format!(
            "{} kills, {} redemptions, {} refusals, {} repeated, {} keys reused, {} cut off of \
             which {} had happened, {} changes, {} ranges, {} answers \
             looked up, {} changes put off",
            of(&tally.rounds),
            of(&tally.redeemed),
            of(&tally.refused),
            of(&tally.repeated),
            of(&tally.reused),
            of(&tally.cut_off),
            of(&tally.had_happened),
            of(&tally.changes),
            of(&tally.issues),
            of(&tally.checked),
            of(&tally.overloaded),
        )
    }

    /// Whether so many rounds met what they are there to meet.
    pub(super) fn has_seen_everything(&self, rounds: usize) -> bool {
        let Tally { redeemed, refused, repeated, cut_off, changes, issues, checked, .. } =
            &self.tally;
        let all = [redeemed, refused, repeated, cut_off, changes, issues, checked];
        // Few rounds may miss something by chance.
        rounds < 4 || all.iter().all(|count| count.load(Ordering::Relaxed) > 0)
    }
}
