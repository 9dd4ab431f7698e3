//! How the server ends: told by a signal, or by a part that cannot go on.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::rt::signal::unix::{Signal, SignalKind, signal};
use actix_web::rt::time::sleep;
use tokio::sync::Notify;

use crate::http::Running;
use crate::operation::{Notifier, Operation, Reloader, Stage};

/// How long answers may take to leave after a failure that ends the process.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// How far apart two signals are at least. What comes sooner is one wish that was sent twice:
/// `timeout` signals its command and then the group that the command is in.
const MOMENT: Duration = Duration::from_millis(200);

/// How serving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// As it was told to, or by a failure that the status names.
    Orderly,
    /// It was told a second time, and left things undone. What was answered is safe all the same.
    AtOnce,
}

/// Listens for what ends the server, and for what makes it load its settings again.
pub(super) struct Ending {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    failed: Arc<Notify>,
}

impl Ending {
    /// Begins to listen. Must be called within a runtime.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            failed: Arc::default(),
        })
    }

    /// What a part that cannot go on calls.
    pub(super) fn failure(&self) -> impl Fn() + Send + Sync + 'static {
        let failed = Arc::clone(&self.failed);
        move || failed.notify_one()
    }

    /// Waits until a signal says that the server shall end.
    pub(super) async fn told(&mut self) {
        told(&mut self.terminate, &mut self.interrupt).await;
    }

    /// Serves until the end. At the first signal the server says that it is not ready, goes on for
    /// the delay that the settings give, accepts nothing more then, and lets what is in flight end
    /// within the grace; at the second everything ends at once. What was answered is safe either
    /// way.
    pub(super) async fn wait(
        mut self,
        running: Running,
        operation: &Operation,
        reloader: Option<Arc<Reloader>>,
        notifier: &Notifier,
    ) -> End {
        loop {
            tokio::select! {
                () = told(&mut self.terminate, &mut self.interrupt) => break,
                () = self.failed.notified() => {
                    sleep(LAST_WORDS).await;
                    return End::Orderly;
                }
                _ = self.hangup.recv() => reload(reloader.as_ref()),
            }
        }
        operation.lifecycle.enter(Stage::Ending);
        notifier.stopping();
        let http = &operation.live.settings().http;
        let delay = Duration::from_secs(http.shutdown_delay_seconds);
        let grace = Duration::from_secs(http.shutdown_grace_seconds);
        tracing::info!(
            delay_seconds = delay.as_secs(),
            grace_seconds = grace.as_secs(),
            "told to end; letting requests end"
        );
        let first = Instant::now();
        let stopping = async {
            sleep(delay).await;
            running.stop(grace).await;
        };
        tokio::select! {
            () = stopping => End::Orderly,
            () = told_again(&mut self.terminate, &mut self.interrupt, first) => {
                tracing::warn!("told again; ending at once");
                End::AtOnce
            }
            () = self.failed.notified() => End::Orderly,
        }
    }
}

/// Loads the settings again on a thread that may wait for a disk.
fn reload(reloader: Option<&Arc<Reloader>>) {
    match reloader.map(Arc::clone) {
        Some(reloader) => {
            actix_web::rt::task::spawn_blocking(move || reloader.reload());
        }
        None => tracing::warn!("there is nothing to load the settings from again"),
    }
}

/// Waits until a signal comes that is none of those of the first moment.
async fn told_again(terminate: &mut Signal, interrupt: &mut Signal, first: Instant) {
    loop {
        told(terminate, interrupt).await;
        if first.elapsed() >= MOMENT {
            return;
        }
    }
}

async fn told(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
