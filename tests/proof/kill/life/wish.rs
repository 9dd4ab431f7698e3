//! One request about one code: what is wanted, and how it stands.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use redeemd::client::{Client, Request};
use serde_json::{Value, json};

use super::super::Fault;
use super::super::sending::{Sent, send};
use super::campaign::Code;

/// A request. Its number stands in its metadata or its reason, so that an event tells whose it is.
pub(super) struct Wish {
    pub(super) number: usize,
    pub(super) deed: Deed,
    pub(super) code: Arc<Code>,
    /// Who takes the use, or had it.
    pub(super) user: String,
    /// The idempotency key.
    pub(super) key: Option<String>,
    state: Mutex<State>,
}

/// What is wanted.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    Redeem { amount: Option<u64> },
    Hold { seconds: u64 },
    Confirm { hold: String, take_if_free: bool },
    Release { hold: String },
    RollBack { redemption: String, amount: Option<u64> },
    TopUp { amount: u64 },
}

/// How a wish stands.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) standing: Standing,
    /// What an event tells of it, as it would have been answered, unless the answer is known.
    pub(super) told: Option<Value>,
    /// Whether every event since it was last sent has been looked at.
    pub(super) is_looked_for: bool,
    is_busy: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) enum Standing {
    /// It was never sent, or certainly not carried out.
    #[default]
    Nothing,
    /// It was cut off, and may have been carried out.
    Lost,
    /// It was carried out, and answered so.
    Answered(Value),
    /// It was refused.
    Refused,
}

impl Wish {
    pub(super) fn new(
        number: usize,
        deed: Deed,
        code: Arc<Code>,
        user: String,
        key: Option<String>,
    ) -> Self {
        Self { number, deed, code, user, key, state: Mutex::default() }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Begins to send it, and says how it stood; `None` while somebody else sends it.
    pub(super) fn begin(&self) -> Option<State> {
        let mut state = self.state();
        let before = state.clone();
        state.is_busy = true;
        (!before.is_busy).then_some(before)
    }

    /// Its sending is over.
    pub(super) fn end(&self) {
        self.state().is_busy = false;
    }

    /// Sends it.
    pub(super) fn send(&self, client: &mut Client) -> Result<Sent, Fault> {
        self.send_body(client, &self.body())
    }

    /// The same as an item of a batch.
    pub(super) fn item(&self) -> Value {
        let mut item = self.body();
        if let Some(key) = &self.key {
            item["idempotency_key"] = key.as_str().into();
        }
        item
    }

    /// Sends something else under its key.
    pub(super) fn send_otherwise(&self, client: &mut Client) -> Result<Sent, Fault> {
        let mut body = self.body();
        match &self.deed {
            Deed::Redeem { .. } | Deed::Confirm { .. } => body["metadata"] = json!({ "other": 1 }),
            Deed::Hold { seconds } => body["ttl_seconds"] = (seconds % 100 + 7).into(),
            _ => body["reason"] = "another".into(),
        }
        self.send_body(client, &body)
    }

    fn send_body(&self, client: &mut Client, body: &Value) -> Result<Sent, Fault> {
        let (path, body) = (self.path(), body.to_string());
        let request = match self.deed {
            Deed::Release { .. } => Request::delete(&path),
            _ => Request::post(&path, &body),
        };
        send(client, &request.idempotency_key(self.key.as_deref()))
    }

    fn path(&self) -> String {
        let path = match &self.deed {
            Deed::Redeem { .. } => "redemptions".to_owned(),
            Deed::Hold { .. } => "holds".to_owned(),
            Deed::Confirm { hold, .. } => format!("holds/{hold}/confirm"),
            Deed::Release { hold } => format!("holds/{hold}"),
            Deed::RollBack { redemption, .. } => format!("redemptions/{redemption}/rollback"),
            Deed::TopUp { .. } => "codes/top-up".to_owned(),
        };
        format!("/api/v1/{path}")
    }

    fn body(&self) -> Value {
        let (number, code, user) = (self.number, &self.code.text, &self.user);
        let amount_of = |amount: &u64| json!({ "minor_units": amount });
        let (mut body, amount) = match &self.deed {
            Deed::Redeem { amount } => {
                let metadata = json!({ "wish": number });
                (json!({ "code": code, "user_id": user, "metadata": metadata }), amount.as_ref())
            }
            Deed::Hold { seconds } => {
                (json!({ "code": code, "user_id": user, "ttl_seconds": seconds }), None)
            }
            Deed::Confirm { take_if_free, .. } => {
                let metadata = json!({ "wish": number });
                (json!({ "take_if_free": take_if_free, "metadata": metadata }), None)
            }
            Deed::Release { .. } => (json!({}), None),
            Deed::RollBack { amount, .. } => {
                (json!({ "reason": format!("wish {number}") }), amount.as_ref())
            }
            Deed::TopUp { amount } => {
                (json!({ "code": code, "reason": format!("wish {number}") }), Some(amount))
            }
        };
        if let Some(amount) = amount {
            body["amount"] = amount_of(amount);
        }
        body
    }
}

impl Deed {
    /// The status of its good answer.
    pub(super) fn good_status(&self) -> u16 {
        match self {
            Self::Redeem { .. } | Self::Hold { .. } | Self::Confirm { .. } => 201,
            Self::RollBack { .. } | Self::TopUp { .. } => 200,
            Self::Release { .. } => 204,
        }
    }

    /// What it is called in counts.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Redeem { .. } => "redeemed",
            Self::Hold { .. } => "held",
            Self::Confirm { .. } => "confirmed",
            Self::Release { .. } => "released",
            Self::RollBack { amount: None, .. } => "rolled back",
            Self::RollBack { amount: Some(_), .. } => "rolled back in part",
            Self::TopUp { .. } => "topped up",
        }
    }

    /// Whether it asks for a use that nobody has yet.
    pub(super) fn takes_a_use(&self) -> bool {
        match self {
            Self::Redeem { .. } | Self::Hold { .. } => true,
            Self::Confirm { take_if_free, .. } => *take_if_free,
            Self::Release { .. } | Self::RollBack { .. } | Self::TopUp { .. } => false,
        }
    }

    /// The hold that it names.
    pub(super) fn hold(&self) -> Option<&str> {
        match self {
            Self::Confirm { hold, .. } | Self::Release { hold } => Some(hold),
            _ => None,
        }
    }

    /// Whether it may end a hold of its user on its code.
    pub(super) fn ends_holds(&self) -> bool {
        matches!(self, Self::Redeem { .. } | Self::Confirm { .. } | Self::Release { .. })
    }
}

impl fmt::Debug for Wish {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, deed, code, user, key, .. } = self;
        let campaign = code.campaign.terms.name;
        write!(formatter, "wish {number} {deed:?} for {user} of {} ({campaign})", code.hint)?;
        write!(formatter, " with key {key:?}")
    }
}
