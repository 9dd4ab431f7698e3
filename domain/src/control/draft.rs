//! A campaign to be made, and what of one shall be otherwise.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::campaign::Window;
use crate::codes::Pattern;
use crate::rules::{Rules, TimeZone, UserLimit, WeeklyWindow};
use crate::timestamp::Timestamp;

/// A campaign to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredDraft", into = "StoredDraft")]
pub struct Draft {
    /// What people call it.
    pub name: Box<str>,
    /// Where its codes come from.
    pub codes: DraftCodes,
    /// Its rules beyond those below. A total's revision is not known yet, and is not read.
    pub rules: Option<Arc<Rules>>,
    /// When it may be redeemed.
    pub window: Window,
    /// How often each code may be redeemed; `None` is unlimited.
    pub uses_per_code: Option<u32>,
    /// What a redemption grants, as compact JSON.
    pub reward: Option<Box<str>>,
    /// What the campaign's owner notes, as compact JSON.
    pub metadata: Option<Box<str>>,
}

/// Where a new campaign's codes shall come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DraftCodes {
    /// Sealed codes, under the newest sealing key.
    Sealed,
    /// Listed codes that will be brought in.
    Imported,
    /// Listed codes drawn by a pattern, under the newest pattern key and pepper.
    Pattern {
        /// What they look like.
        pattern: Pattern,
        /// Whether so many may be issued that guessing finds some.
        allow_guessable: bool,
    },
}

/// What of a campaign shall be otherwise; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// What people call it.
    pub name: Option<Box<str>>,
    /// Since when it may be redeemed.
    pub starts_at: Option<Option<Timestamp>>,
    /// Until when it may be redeemed.
    pub expires_at: Option<Option<Timestamp>>,
    /// How often each code may be redeemed.
    pub uses_per_code: Option<Option<u32>>,
    /// What a redemption grants.
    pub reward: Option<Option<Box<str>>>,
    /// What the campaign's owner notes.
    pub metadata: Option<Option<Box<str>>>,
}

/// What of a campaign's [`Rules`] shall be otherwise; `None` leaves a rule as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleChanges {
    /// The time zones that these changes name by their place here.
    pub zones: Vec<TimeZone>,
    /// How often one user may redeem.
    pub uses_per_user: Option<Option<UserLimit>>,
    /// How often all users together may redeem.
    pub total_uses: Option<Option<u64>>,
    /// In which hours of the week; none is always.
    pub windows: Option<Vec<WeeklyWindow>>,
}

/// A draft as the bytes have it. The first version knew no rules, and what it wrote must still
/// read: so a draft that has some stores them as one more kind of codes.
#[derive(Serialize, Deserialize)]
struct StoredDraft {
    name: Box<str>,
    codes: StoredCodes,
    window: Window,
    uses_per_code: Option<u32>,
    reward: Option<Box<str>>,
    metadata: Option<Box<str>>,
}

/// [`DraftCodes`], and the rules where there are some. The variants' places are stored.
#[derive(Serialize, Deserialize)]
enum StoredCodes {
    Sealed,
    Imported,
    Pattern { pattern: Pattern, allow_guessable: bool },
    Ruled { rules: Arc<Rules>, codes: DraftCodes },
}

impl From<Draft> for StoredDraft {
    fn from(draft: Draft) -> Self {
        let Draft { name, codes, rules, window, uses_per_code, reward, metadata } = draft;
        let codes = match (codes, rules) {
            (codes, Some(rules)) => StoredCodes::Ruled { rules, codes },
            (DraftCodes::Sealed, None) => StoredCodes::Sealed,
            (DraftCodes::Imported, None) => StoredCodes::Imported,
            (DraftCodes::Pattern { pattern, allow_guessable }, None) => {
                StoredCodes::Pattern { pattern, allow_guessable }
            }
        };
        Self { name, codes, window, uses_per_code, reward, metadata }
    }
}

impl From<StoredDraft> for Draft {
    fn from(stored: StoredDraft) -> Self {
        let StoredDraft { name, codes, window, uses_per_code, reward, metadata } = stored;
        let (codes, rules) = match codes {
            StoredCodes::Sealed => (DraftCodes::Sealed, None),
            StoredCodes::Imported => (DraftCodes::Imported, None),
            StoredCodes::Pattern { pattern, allow_guessable } => {
                (DraftCodes::Pattern { pattern, allow_guessable }, None)
            }
            StoredCodes::Ruled { rules, codes } => (codes, Some(rules)),
        };
        Self { name, codes, rules, window, uses_per_code, reward, metadata }
    }
}
