//! The projection to PostgreSQL, against real servers.

mod agreement;
mod arrival;
mod backlog;
mod batches;
mod brake;
mod clock;
mod connecting;
mod documents;
mod encryption;
mod faults;
mod full_disk;
mod halfway;
mod life;
mod load;
mod outages;
mod ownership;
mod random_faults;
mod rebuild;
mod rebuild_positions;
mod refusals;
mod replica;
mod schema;
mod verify;
mod verify_tables;
