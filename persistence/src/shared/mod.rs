//! What several servers share through Redis: how often each client has asked, and announcements.
//!
//! Nothing here decides anything about a code, and nobody waits for it longer than a bound: where
//! Redis is slow, away or refuses, the answer is that whoever asks shall count for himself. What is
//! announced lives elsewhere; Redis may lose or repeat it.

mod announcement;
mod attempt;
mod client;
mod keeping;
mod link;
mod numbers;
mod options;
mod pace;
mod trouble;

pub use announcement::Announcement;
pub use attempt::{Attempt, Taken};
pub use link::{Link, Standing, StartError};
pub use numbers::Numbers;
pub use options::{Kind, Options};
pub use trouble::Trouble;
