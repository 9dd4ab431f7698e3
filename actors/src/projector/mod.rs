//! The projector: follows the ledger into PostgreSQL, behind everything else.
//!
//! It is on no answer's path: it reads what the ledger durably has, on a thread of its own with a
//! lower priority, and whatever becomes of the database, the shards do not notice. What it decides
//! is decided by [`core`], a plain value; [`reading`] reads, one batch ahead; the actor here carries out.

mod again;
pub mod aside;
pub mod bound;
pub mod brake;
pub mod breaker;
pub mod core;
pub mod drain;
mod horizon;
mod lane;
pub mod pace;
mod presence;
mod reader;
pub mod reading;
pub mod retrying;
pub mod status;
pub mod step;
mod watch;
mod work;

#[cfg(test)]
mod tests;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::{
    Actor, ActorContext, ActorFutureExt, Addr, Arbiter, AsyncContext, Context, Handler,
    ResponseFuture, WrapFuture,
};
use redeemd_persistence::ledger::LedgerReader;
use redeemd_persistence::postgres::{Note, Options, Owner, Renderer};
use tokio::sync::Notify;

use self::status::ProjectorStatus;
use self::work::Work;
use crate::control_view::ControlView;
use crate::messages::Finish;
use crate::status::Status;

/// How much nicer than the other threads the projector's is. Where cores are free it makes no
/// difference.
const NICENESS: i32 = 10;

/// How long after a panic the work is begun anew.
const AFTER_PANIC: Duration = Duration::from_secs(1);

/// What a projector is started with.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// How the database is reached.
    pub options: Options,
    /// Whether the projector makes and changes tables itself.
    pub migrates: bool,
    /// What bounds it.
    pub limits: core::Limits,
    /// The directory whose outcomes they are.
    pub owner: Owner,
    /// Where they are read.
    pub ledger: LedgerReader,
    /// What makes rows of them.
    pub renderer: Renderer,
    /// The control state, which says what records withhold.
    pub view: ControlView,
    /// Where it notes how far it is.
    pub note: Note,
    /// How many bytes of the ledger's log may wait for the database, if not any number.
    pub max_backlog_bytes: Option<u64>,
    /// What it is doing.
    pub status: Arc<ProjectorStatus>,
    /// Where the shards read that too much waits.
    pub node: Arc<Status>,
}

/// The actor: keeps the work going until it is told to end.
pub struct Projector {
    surroundings: Surroundings,
    ending: Rc<Notify>,
    ended: Rc<Notify>,
}

impl Projector {
    /// Starts one on a thread of its own.
    pub fn start(surroundings: Surroundings) -> Addr<Self> {
        let status = &surroundings.status;
        status.is_configured.store(true, std::sync::atomic::Ordering::Relaxed);
        status.max_backlog_bytes.set(surroundings.max_backlog_bytes.unwrap_or(0));
        Self::start_in_arbiter(&Arbiter::new().handle(), move |_| Self {
            surroundings,
            ending: Rc::default(),
            ended: Rc::default(),
        })
    }
}

impl Actor for Projector {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        // On Linux this is about the thread that asks.
        if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
            tracing::debug!(%error, "the projector's thread keeps its priority");
        }
        let (ending, ended) = (Rc::clone(&self.ending), Rc::clone(&self.ended));
        let work = supervise(self.surroundings.clone(), ending).into_actor(self);
        context.spawn(work.map(move |(), _, context| {
            ended.notify_one();
            context.stop();
        }));
    }
}

impl Handler<Finish> for Projector {
    type Result = ResponseFuture<()>;

    /// Answers when nothing is under way any more.
    fn handle(&mut self, _: Finish, _: &mut Self::Context) -> Self::Result {
        self.ending.notify_one();
        let ended = Rc::clone(&self.ended);
        Box::pin(async move { ended.notified().await })
    }
}

/// Works until the end, and begins anew after a panic: everything that counts is in the database and
/// in the ledger.
async fn supervise(surroundings: Surroundings, ending: Rc<Notify>) {
    loop {
        let work = Work::new(surroundings.clone()).run(Rc::clone(&ending));
        match tokio::task::spawn_local(work).await {
            Ok(()) => return,
            Err(error) => {
                surroundings.status.rebuilt.add(1);
                tracing::error!(%error, "the projector failed and begins anew");
                tokio::time::sleep(AFTER_PANIC).await;
            }
        }
    }
}
