//! How often clients may ask: a bucket for each of them, the table of buckets, and what of it is
//! shared with other servers.
//!
//! It must never know HTTP, nor what is asked for.

mod bucket;
mod limiter;
mod sharing;

pub use bucket::{Bucket, Decision, Rule};
pub use limiter::Limiter;
pub use sharing::Sharing;
