//! How often clients may ask: a bucket for each of them, and the table of buckets.
//!
//! It must never know HTTP, nor what is asked for.

mod bucket;
mod limiter;

pub use bucket::{Bucket, Decision, Rule};
pub use limiter::Limiter;
