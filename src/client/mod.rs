//! A small blocking client for the HTTP interface, and a server process of one's own to talk to.
//!
//! The demonstration, the tests of the real process and the command line use it. It must never know
//! how the server works inside: it sees what every other client sees.

mod answer;
mod body;
mod connection;
mod error;
mod head;
mod request;
mod sender;
mod server_process;
mod stream;
mod target;
mod upload;

pub use answer::Answer;
pub use error::Error;
pub use request::Request;
pub use sender::Client;
pub use server_process::{Launch, LaunchError, ServerProcess};
pub use target::{Target, TargetError};
pub use upload::Upload;
