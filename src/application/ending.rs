//! How the server ends: told by a signal, or by a part that cannot go on.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use actix_web::rt::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

use crate::http::Running;

/// How long answers may take to leave after a failure that ends the process.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Listens for what ends the server.
pub(super) struct Ending {
    terminate: Signal,
    interrupt: Signal,
    failed: Arc<Notify>,
}

impl Ending {
    /// Begins to listen. Must be called within a runtime.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            failed: Arc::default(),
        })
    }

    /// What a part that cannot go on calls.
    pub(super) fn failure(&self) -> impl Fn() + Send + Sync + 'static {
        let failed = Arc::clone(&self.failed);
        move || failed.notify_one()
    }

    /// Serves until the end: at the first signal nothing more is accepted and what is in flight
    /// ends within the grace; at the second everything ends at once. What was answered is safe
    /// either way.
    pub(super) async fn wait(mut self, running: Running, grace: Duration) {
        let stopper = running.stopper();
        let served = actix_web::rt::spawn(running.wait());
        tokio::select! {
            () = told(&mut self.terminate, &mut self.interrupt) => {}
            () = self.failed.notified() => {
                actix_web::rt::time::sleep(LAST_WORDS).await;
                return;
            }
        }
        tracing::info!(grace_seconds = grace.as_secs(), "told to end; letting requests end");
        let stopping = async {
            stopper.stop().await;
            if let Ok(Err(error)) = served.await {
                tracing::error!(%error, "a listener failed");
            }
        };
        tokio::select! {
            () = stopping => {}
            () = told(&mut self.terminate, &mut self.interrupt) => {
                tracing::warn!("told again; ending at once");
            }
            () = self.failed.notified() => {}
        }
    }
}

async fn told(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
