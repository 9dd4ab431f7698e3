//! The server as clients meet it: a real process, asked over real connections. The modules mirror
//! the interface.

// Helpers of tests may panic as tests do.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod api_keys;
mod backup;
mod bad_input;
mod balances;
mod batch;
mod build;
mod campaign_rules;
mod campaigns;
mod clock;
mod codes;
mod command_line;
mod cross_origin;
mod deploy;
mod description;
mod documents;
mod error_codes;
mod event_stream;
mod events;
mod generated_clients;
mod handover;
mod health;
mod hold_limits;
mod holds;
mod idempotency;
mod imports;
mod journal_commands;
mod ledger_damage;
mod lifecycle;
mod limits;
mod lists;
mod lookup;
mod overload;
mod patterns;
mod postgres;
mod races;
mod rate_limits;
mod readme;
mod recipes;
mod redemptions;
mod redis;
mod reload;
mod restart;
mod revoke;
mod rollbacks;
mod schemathesis;
mod secrecy;
mod slow_clients;
mod start;
mod support;
mod validations;
