//! The projection to PostgreSQL, against real servers.

mod agreement;
mod arrival;
mod backlog;
mod batches;
mod documents;
mod faults;
mod life;
mod outages;
mod ownership;
mod random_faults;
mod rebuild;
mod refusals;
mod schema;
mod verify;
