//! The oracle: what must have happened, computed a second time and more simply than by the parts
//! under test, from the entries that the journal was seen to hold. It knows every answer given.

mod campaign_changes;
mod code_life;
mod control_deeds;
mod control_model;
mod history;
mod lending_model;
mod life_model;
mod limits;
mod modelled;
mod rules_model;
mod shard_checks;
mod shard_model;

pub(crate) use history::History;
pub(crate) use modelled::{ClientAnswer, Modelled};
