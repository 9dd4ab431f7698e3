//! One thread of a load: its connections, and when each of them has its turn.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::alarm::Alarm;
use super::connection::Connection;
use super::error::Error;
use super::schedule::{Schedule, Turn};
use super::tally::Tally;
use super::{Shared, Source};
use crate::client::Target;

/// The pause before a connection that could not be made is tried again.
const CONNECT_PAUSE: Duration = Duration::from_millis(50);

/// One thread's part.
pub(super) struct Driver<S> {
    pub(super) source: Arc<S>,
    pub(super) tally: Arc<Mutex<Tally>>,
    pub(super) target: Target,
    pub(super) connections: usize,
    /// When requests are due; `None` in a closed loop.
    pub(super) schedule: Option<Schedule>,
    pub(super) duration: Duration,
    pub(super) patience: Duration,
}

/// What the connections of a thread share while the load is on.
struct Lane<S> {
    driver: Driver<S>,
    schedule: Option<RefCell<Schedule>>,
    /// Rung when a request is due, and when there will be no more.
    bell: Notify,
    /// How many connections wait for the bell and were not rung for, and how many have not ended.
    waiting: Cell<usize>,
    open: Cell<usize>,
    /// Told when one of the two has changed.
    changed: Notify,
    is_over: Cell<bool>,
    begun: Instant,
    last_answer: Cell<Duration>,
}

impl<S: Source> Driver<S> {
    /// Makes the connections, waits for the other threads, and puts the load on the server. Gives
    /// the time of the last answer.
    pub(super) fn run(self, shared: &Shared) -> Result<Duration, Error> {
        let runtime = actix_web::rt::Runtime::new();
        let connections = runtime.as_ref().map(|runtime| runtime.block_on(self.connect()));
        if !matches!(connections, Ok(Ok(_))) {
            shared.has_failed.store(true, Ordering::SeqCst);
        }
        // Everybody comes here, whatever happened, since everybody waits for everybody.
        shared.ready.wait();
        let connections = match connections {
            Ok(connections) => connections?,
            Err(_) => Vec::new(),
        };
        let runtime = runtime?;
        if shared.has_failed.load(Ordering::SeqCst) {
            return Err(Error::Elsewhere);
        }
        let begun = *shared.begun.get_or_init(Instant::now);
        let lane = Rc::new(Lane {
            schedule: self.schedule.clone().map(RefCell::new),
            driver: self,
            bell: Notify::new(),
            waiting: Cell::new(0),
            open: Cell::new(connections.len()),
            changed: Notify::new(),
            is_over: Cell::new(false),
            begun,
            last_answer: Cell::new(Duration::ZERO),
        });
        runtime.block_on(lane.drive(connections))?;
        if lane.is_over.get() {
            shared.ran_out.store(true, Ordering::Relaxed);
        }
        Ok(lane.last_answer.get())
    }

    async fn connect(&self) -> Result<Vec<Connection>, Error> {
        let mut connections = Vec::with_capacity(self.connections);
        for _ in 0..self.connections {
            let connection = Connection::open(&self.target, self.patience).await;
            let refused = |source| Error::Refused { target: self.target.clone(), source };
            connections.push(connection.map_err(refused)?);
        }
        Ok(connections)
    }
}

/// A connection's task, which ends when this is dropped, be it by a panic.
struct Leaving<S>(Rc<Lane<S>>);

impl<S> Drop for Leaving<S> {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get().saturating_sub(1));
        self.0.changed.notify_one();
    }
}

impl<S: Source> Lane<S> {
    async fn drive(self: &Rc<Self>, connections: Vec<Connection>) -> Result<(), Error> {
        let alarm = Alarm::new()?;
        let tasks: Vec<_> = connections
            .into_iter()
            .map(|connection| {
                let lane = Rc::clone(self);
                actix_web::rt::spawn(async move {
                    let lane = Leaving(lane);
                    lane.0.keep_busy(connection).await;
                })
            })
            .collect();
        let rung = self.ring(&alarm).await;
        for task in tasks {
            task.await.map_err(|_| Error::Panicked)?;
        }
        Ok(rung?)
    }

    /// Wakes a connection for every request that is due, and all of them at the end.
    async fn ring(&self, alarm: &Alarm) -> std::io::Result<()> {
        let Some(schedule) = &self.schedule else { return Ok(()) };
        let mut place = 0;
        let mut result = Ok(());
        loop {
            // Who is busy looks at the schedule when it is done. To ring for nobody at a rate that
            // cannot be held would leave no time for anything else.
            while self.waiting.get() == 0 {
                if self.open.get() == 0 {
                    return Ok(());
                }
                self.changed.notified().await;
            }
            // What connections took by themselves needs no bell.
            place = schedule.borrow().next().max(place);
            let Some(due) = schedule.borrow().due(place) else { break };
            let wait = due.saturating_sub(self.begun.elapsed());
            if !wait.is_zero() {
                result = alarm.wait(wait).await;
            }
            if self.is_over.get() || result.is_err() {
                self.is_over.set(true);
                break;
            }
            self.waiting.set(self.waiting.get().saturating_sub(1));
            self.bell.notify_one();
            place += 1;
        }
        self.bell.notify_waiters();
        result
    }

    /// Sends one request after another, each when its turn has come.
    async fn keep_busy(&self, connection: Connection) {
        let Driver { source, target, patience, .. } = &self.driver;
        let mut connection = Some(connection);
        let mut wire = Vec::new();
        while let Some(due) = self.turn().await {
            wire.clear();
            if !source.write(&mut wire) {
                self.is_over.set(true);
                self.bell.notify_waiters();
                return;
            }
            let mut open = match connection.take() {
                Some(open) => open,
                None => match Connection::open(target, *patience).await {
                    Ok(open) => open,
                    Err(_) => {
                        self.broke("cannot connect");
                        tokio::time::sleep(CONNECT_PAUSE).await;
                        continue;
                    }
                },
            };
            let sent = self.begun.elapsed();
            match tokio::time::timeout(*patience, open.exchange(&wire)).await {
                Err(_) => self.broke("no answer in time"),
                Ok(Err(what)) => self.broke(what),
                Ok(Ok(answer)) => {
                    let now = self.begun.elapsed();
                    self.last_answer.set(now.max(self.last_answer.get()));
                    let mut tally = self.tally();
                    let (latency, service) =
                        (now.saturating_sub(due.min(sent)), now.saturating_sub(sent));
                    tally.answered(answer.status, latency, service);
                    source.file(answer.status, answer.body, &mut tally);
                    drop(tally);
                    if answer.keeps_alive {
                        connection = Some(open);
                    }
                }
            }
        }
    }

    /// Waits for the next request's turn, and gives when it was due. `None` when it is over.
    async fn turn(&self) -> Option<Duration> {
        loop {
            let now = self.begun.elapsed();
            if self.is_over.get() {
                return None;
            }
            let Some(schedule) = &self.schedule else {
                return (now < self.driver.duration).then_some(now);
            };
            let (turn, not_sent) = schedule.borrow_mut().take(now);
            if not_sent > 0 {
                self.tally().not_sent += not_sent;
            }
            match turn {
                Turn::Send(due) => return Some(due),
                Turn::Over => return None,
                // Nothing else runs on this thread between the look and the wait, so no bell is
                // missed.
                Turn::Wait => self.wait_for_the_bell().await,
            }
        }
    }

    async fn wait_for_the_bell(&self) {
        self.waiting.set(self.waiting.get() + 1);
        self.changed.notify_one();
        self.bell.notified().await;
    }

    fn broke(&self, what: &'static str) {
        *self.tally().broken.entry(what).or_default() += 1;
    }

    fn tally(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.driver.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
