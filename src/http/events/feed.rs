//! What all listeners of a node share: where the ledger ends, the rendered pieces, and the pace.
//!
//! Each listener reads from its own position at its own pace; nothing is queued for it, so that a slow
//! one costs no memory and misses nothing. What many want is read and rendered once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use redeemd_actors::node::Node;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::{MissedTickBehavior, interval, sleep_until};

use super::cuts::Cuts;
use super::pace::Pace;
use super::piece::Piece;
use super::pieces::Pieces;
use super::position_text::PositionText;
use crate::operation::{Listening, Operation};
use crate::secrets::Vault;
use crate::service::{Error, EventPosition, Register};

/// How often the ledger is looked at for something new while anybody listens. What comes within it
/// goes out together.
const LOOK: Duration = Duration::from_millis(20);

/// How many pieces are rendered at a time.
const RENDERED_AT_ONCE: usize = 2;

/// See the module. There is one for a node.
pub(in crate::http) struct Feed {
    node: Node,
    vault: Arc<Vault>,
    operation: Arc<Operation>,
    /// How positions are written.
    pub(in crate::http) form: PositionText,
    cuts: Cuts,
    pieces: Pieces,
    pace: Pace,
    rendering: Semaphore,
    /// Rings when the first listener comes.
    wanted: Notify,
    /// Counts the cuts.
    news: watch::Sender<u64>,
    /// Whether the streams end, because the server does.
    over: watch::Sender<bool>,
}

impl Feed {
    /// The feed of a node.
    pub(in crate::http) fn new(
        node: &Node,
        vault: &Arc<Vault>,
        operation: &Arc<Operation>,
        form: PositionText,
    ) -> Arc<Self> {
        Arc::new(Self {
            node: node.clone(),
            vault: Arc::clone(vault),
            operation: Arc::clone(operation),
            form,
            cuts: Cuts::new(form.sequences()),
            pieces: Pieces::default(),
            pace: Pace::new(Instant::now()),
            rendering: Semaphore::new(RENDERED_AT_ONCE),
            wanted: Notify::new(),
            news: watch::Sender::new(0),
            over: watch::Sender::new(false),
        })
    }

    /// Looks where the ledger ends while anybody listens, until the server ends.
    pub(in crate::http) async fn follow(self: Arc<Self>) {
        loop {
            self.wanted.notified().await;
            let mut look = interval(LOOK);
            look.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while self.operation.listeners.open() > 0 {
                look.tick().await;
                self.look();
                if self.operation.lifecycle.closes_connections() {
                    self.over.send_replace(true);
                    return;
                }
            }
            self.pieces.clear();
        }
    }

    /// One more listener, until what this gives is dropped; `None` where there are as many as may be.
    pub(super) fn join(&self) -> Option<Listening> {
        let most = self.operation.live.settings().events.max_listeners;
        let listening = self.operation.listeners.join(most)?;
        self.wanted.notify_one();
        self.look();
        Some(listening)
    }

    /// Whether the streams end.
    pub(super) fn is_over(&self) -> bool {
        *self.over.borrow() || self.operation.lifecycle.closes_connections()
    }

    /// How often a listener hears something at the least.
    pub(super) fn heartbeat(&self) -> Duration {
        Duration::from_secs(self.operation.live.settings().events.heartbeat_seconds)
    }

    /// Whether there is anything after a position.
    pub(super) fn has_news(&self, position: &EventPosition) -> bool {
        self.cuts.next_after(position).is_some()
    }

    /// Waits until there is anything after a position, the server ends, or the moment has come.
    pub(super) async fn wait(&self, position: &EventPosition, until: Instant) {
        let (mut news, mut over) = (self.news.subscribe(), self.over.subscribe());
        while !self.is_over() && !self.has_news(position) {
            tokio::select! {
                _ = news.changed() => {}
                _ = over.changed() => {}
                () = sleep_until(until.into()) => return,
            }
        }
    }

    /// Waits for the turn to send something, or for the end.
    pub(super) async fn turn(&self) {
        let turn = self.pace.turn(Instant::now(), self.bytes_per_second());
        if turn <= Instant::now() {
            return;
        }
        let mut over = self.over.subscribe();
        tokio::select! {
            () = sleep_until(turn.into()) => {}
            _ = over.wait_for(|is_over| *is_over) => {}
        }
    }

    /// Counts what was sent in a turn.
    pub(super) fn sent(&self, bytes: usize, rendered_bytes: usize) {
        // Reading and rendering takes about as long as sending the same to one listener.
        self.pace.charge((bytes + rendered_bytes) as u64, self.bytes_per_second());
    }

    /// The piece that begins at a position, and how many bytes had to be rendered for it; `None`
    /// where nothing comes after it yet.
    ///
    /// # Errors
    /// When the ledger does not read.
    pub(super) async fn piece(
        &self,
        begin: &EventPosition,
    ) -> Result<Option<(Piece, usize)>, Error> {
        let Some(upto) = self.cuts.next_after(begin) else { return Ok(None) };
        let place = self.pieces.place(begin);
        let mut rendered_bytes = 0;
        let piece = place
            .get_or_try_init(async || {
                let piece = self.render(begin.clone(), upto).await?;
                rendered_bytes = piece.text.len();
                self.pieces.rendered(rendered_bytes);
                Ok::<_, Error>(piece)
            })
            .await?;
        Ok(Some((piece.clone(), rendered_bytes)))
    }

    async fn render(&self, begin: EventPosition, upto: EventPosition) -> Result<Piece, Error> {
        let permit = self.rendering.acquire().await;
        let _permit = permit.map_err(|error| Error::internal(error.to_string()))?;
        let register = Register::new(&self.node.view, &self.vault);
        let (ledger, form) = (self.node.ledger.clone(), self.form);
        let work = move || Piece::render(&ledger, &register, form, begin, upto);
        let piece = tokio::task::spawn_blocking(work).await;
        piece.unwrap_or_else(|_| Err(Error::internal("rendering events panicked")))
    }

    fn look(&self) {
        let end = EventPosition::end(&self.node.ledger, self.form.sequences());
        if self.cuts.add(end) {
            self.news.send_modify(|count| *count += 1);
        }
    }

    fn bytes_per_second(&self) -> u64 {
        self.operation.live.settings().events.max_bytes_per_second
    }
}
