//! The projection to PostgreSQL, against real servers.

mod agreement;
mod arrival;
mod backlog;
mod batches;
mod documents;
mod life;
mod outages;
mod ownership;
mod refusals;
mod schema;
