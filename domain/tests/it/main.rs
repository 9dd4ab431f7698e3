//! Tests of the state machines through their public interface: tables of precedence, properties
//! over random histories, naive models, damage, and fixtures of every stored format.
//!
//! A failing property prints the shortest history that fails and its seed.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops where something is not as it should be"
)]

mod answers;
mod control_history;
mod control_model;
mod control_precedence;
mod control_properties;
mod damage;
mod fixtures;
mod fixtures_api_keys;
mod fixtures_control;
mod fixtures_import;
mod fixtures_life;
mod fixtures_limits;
mod fixtures_listing;
mod fixtures_rules;
mod fixtures_shard;
mod harness;
mod invariants;
mod life_history;
mod life_model;
mod life_properties;
mod life_races;
mod limits_totals;
mod limits_users;
mod limits_world;
mod rebuilding;
mod rebuilding_control;
mod rebuilding_limits;
mod rules_control;
mod rules_history;
mod rules_time;
mod rules_validity;
mod searches;
mod shard_history;
mod shard_model;
mod shard_precedence;
mod shard_properties;
mod undone;
