//! Something that other programs are told through Redis.

use redis::{Cmd, cmd};

/// Something that happened. Whoever listens on its channel is told, mostly once; who does not listen
/// at that moment never hears of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// What kind of thing it is; the channel's name ends in it.
    pub kind: &'static str,
    /// What is said.
    pub message: String,
}

impl Announcement {
    pub(super) fn publish(&self, prefix: &str) -> Cmd {
        let mut command = cmd("PUBLISH");
        command.arg(format!("{prefix}:{}", self.kind)).arg(&self.message);
        command
    }
}
