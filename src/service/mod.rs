//! What the server does for its clients, between an interface and the actors: who may do what,
//! which code a text means, redeeming, campaigns, issuing, importing.
//!
//! Everything here runs on one thread of the interface and asks the sequences through that
//! thread's ports. It must never know HTTP: no status codes, headers or JSON.

mod api_keys;
mod asking;
mod backup;
mod batch;
mod caller;
mod campaigns;
mod clock;
mod code_history;
mod code_range;
mod code_text;
mod drawing;
mod elsewhere;
mod error;
mod events;
mod holding;
mod idempotency;
mod importing;
mod issuing;
mod ledger_search;
mod lister;
mod look_back;
mod looking_up;
mod performing;
mod redeeming;
mod redemption_list;
mod revoking;
mod rolling_back;
mod spanning;
mod standing;
mod stepping;
mod tallies;
#[cfg(test)]
mod tests;
mod time_zones;
mod topping_up;
mod turns;
mod view;
mod worker;

pub use api_keys::LetIn;
pub use backup::{Backup, Origin};
pub use caller::{Caller, Permission};
pub use campaigns::Changed;
pub use clock::Believed;
pub use code_range::CodeRange;
pub use error::{Error, PatternRoom, Resource};
pub use events::{
    Event, EventFilter, EventKind, EventPage, EventPosition, EventRecord, LookForward, Register,
    ToldNames,
};
pub use holding::{Confirming, Fate, Held, Holding};
pub use idempotency::IdempotencyKey;
pub use importing::{Import, Imported};
pub use issuing::{Issued, KnownState, MOST_CODES_AT_ONCE};
pub use looking_up::Found;
pub use redeeming::{Redeemed, Redemption, Validation};
pub use redemption_list::{Cursor, Filter, Page, Place};
pub use revoking::{Marked, Marking, Usability};
pub use rolling_back::Rollback;
pub use standing::Standing;
pub use tallies::Tally;
pub use time_zones::{time_zone, time_zone_edition};
pub use topping_up::{ToppedUp, ToppingUp};
pub use turns::Turns;
pub use view::View;
pub use worker::Worker;
