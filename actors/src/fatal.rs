//! The end of the process, asked for by an actor that cannot go on.

use std::sync::Arc;

use crate::status::Status;

/// Tells the application that the process has to end and recover at its next start.
#[derive(Clone)]
pub struct Fatal {
    status: Arc<Status>,
    end: Arc<dyn Fn() + Send + Sync>,
}

impl Fatal {
    /// `end` is called, perhaps several times, when the process has to end.
    pub fn new(status: Arc<Status>, end: impl Fn() + Send + Sync + 'static) -> Self {
        Self { status, end: Arc::new(end) }
    }

    /// Says why the process has to end.
    pub fn raise(&self, reason: String) {
        tracing::error!(reason, "the server ends, to recover at its next start");
        self.status.set_fatal(reason);
        (self.end)();
    }
}
