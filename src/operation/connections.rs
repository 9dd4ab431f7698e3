//! The connections of clients: how many there are, and an end for those that begin a request and
//! never finish it.
//!
//! The framework bounds how long the first head of a connection may take, and how long a connection
//! may be idle, but a later head that is sent in half stops both clocks. So every thread looks over
//! its connections, and shuts down those that had time enough.

use std::cell::{Cell, RefCell};
use std::os::fd::OwnedFd;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::{Duration, Instant};

use redeemd_actors::status::Number;
use rustix::net::{Shutdown, shutdown};

/// How often a thread looks over its connections.
const LOOK: Duration = Duration::from_secs(1);

/// What is counted about connections, over all threads.
#[derive(Debug, Default)]
pub struct Connections {
    /// How many were accepted.
    pub accepted: Number,
    /// How many ended.
    pub ended: Number,
    /// How many have had their first request.
    pub begun: Number,
    /// How many ended before it.
    pub unused: Number,
    /// How many ended because a request did not arrive in time, the first or a later one.
    pub timed_out: Number,
}

impl Connections {
    /// How many are open.
    pub fn open(&self) -> u64 {
        self.accepted.get().saturating_sub(self.ended.get())
    }

    /// How many are open and have not sent a request yet.
    pub fn fresh(&self) -> u64 {
        let known = self.begun.get() + self.unused.get();
        self.accepted.get().saturating_sub(known)
    }
}

/// One connection, known to the thread that serves it.
#[derive(Debug)]
pub struct Connection {
    all: Arc<Connections>,
    /// A handle of our own, so that shutting down can never meet somebody else's connection.
    socket: Option<OwnedFd>,
    has_begun: Cell<bool>,
    /// How long its first request may take to arrive.
    first_patience: Duration,
    /// Requests that are being answered.
    under_way: Cell<u32>,
    /// When the last answer was complete, or the connection was accepted.
    idle_since: Cell<Instant>,
}

thread_local! {
    static KNOWN: RefCell<Vec<Weak<Connection>>> = const { RefCell::new(Vec::new()) };
    static IS_WATCHED: Cell<bool> = const { Cell::new(false) };
}

impl Connection {
    /// A connection that was just accepted on this thread, which has to run local tasks. The
    /// framework gives its first request `first_patience`; after that it may be idle, or send a
    /// head, for `patience`.
    pub fn accepted(
        all: &Arc<Connections>,
        socket: Option<OwnedFd>,
        first_patience: Duration,
        patience: Duration,
    ) -> Rc<Self> {
        all.accepted.add(1);
        let connection = Rc::new(Self {
            all: Arc::clone(all),
            socket,
            has_begun: Cell::new(false),
            first_patience,
            under_way: Cell::new(0),
            idle_since: Cell::new(Instant::now()),
        });
        KNOWN.with_borrow_mut(|known| known.push(Rc::downgrade(&connection)));
        if !IS_WATCHED.replace(true) {
            actix_web::rt::spawn(watch(patience));
        }
        connection
    }

    /// A request begins. It ends when what this gives is dropped.
    pub fn begin(self: &Rc<Self>) -> UnderWay {
        if !self.has_begun.replace(true) {
            self.all.begun.add(1);
        }
        self.under_way.set(self.under_way.get() + 1);
        UnderWay(Rc::clone(self))
    }

    fn is_overdue(&self, patience: Duration) -> bool {
        self.under_way.get() == 0 && self.idle_since.get().elapsed() > patience
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.all.ended.add(1);
        if !self.has_begun.get() {
            self.all.unused.add(1);
            // The framework ends it and says nothing of it.
            if self.idle_since.get().elapsed() >= self.first_patience {
                self.all.timed_out.add(1);
            }
        }
    }
}

/// A request under way on a connection.
#[derive(Debug)]
pub struct UnderWay(Rc<Connection>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.set(self.0.under_way.get().saturating_sub(1));
        self.0.idle_since.set(Instant::now());
    }
}

/// Shuts down what is overdue, for as long as this thread runs.
async fn watch(patience: Duration) {
    loop {
        actix_web::rt::time::sleep(LOOK).await;
        KNOWN.with_borrow_mut(|known| {
            known.retain(|connection| {
                let Some(connection) = connection.upgrade() else { return false };
                if !connection.is_overdue(patience) {
                    return true;
                }
                connection.all.timed_out.add(1);
                // The framework sees the end of the stream and drops the connection. One that is
                // gone already cannot be shut down, and need not.
                if let Some(socket) = &connection.socket {
                    let _ = shutdown(socket, Shutdown::Both);
                }
                false
            });
        });
    }
}
