//! Backing up while the server goes on. Nothing waits for it: it reads what never changes, on a thread
//! of its own, and the journal deletes nothing meanwhile.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use actix_web::rt::task::spawn_blocking;
use redeemd_actors::lease::{self, Lease};
use redeemd_persistence::backup::{self, Contents};
use redeemd_persistence::data_directory::Identity;
use redeemd_persistence::disk::Disk;
use redeemd_persistence::journal::Reader;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::error::Error;
use super::worker::Worker;

/// A backup is passed on in pieces of this many bytes.
const PIECE_BYTES: usize = 256 << 10;

/// So many pieces may wait for whoever takes them.
const PIECES: usize = 8;

/// Whoever takes nothing for so long is taken for gone: the journal cannot be kept for ever.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a taker that is slow is looked at.
const PAUSE: Duration = Duration::from_millis(5);

/// What is backed up.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Who the data directory is.
    pub identity: Identity,
    /// Its files.
    pub disk: Arc<dyn Disk>,
}

/// A backup on its way. It ends with an error where it could not be completed; dropping it ends it.
#[derive(Debug)]
pub struct Backup {
    /// Its pieces, in order.
    pub pieces: Receiver<Result<Vec<u8>, Error>>,
}

impl Worker {
    /// Begins a backup of everything that was answered before now.
    ///
    /// # Errors
    /// [`Error::Overloaded`] while another one is taken; otherwise when something cannot be read.
    pub async fn back_up(&self, origin: Origin) -> Result<Backup, Error> {
        let node = self.node();
        let lease = node.lease_journal().await.map_err(|error| match error {
            lease::Error::Taken => Error::Overloaded,
            error => Error::internal(error.to_string()),
        })?;
        let ledger = node.ledger.clone();
        let open = move || {
            let Origin { identity, disk } = origin;
            Contents::open(&disk, &identity, &ledger, now_ms())
        };
        let opened =
            spawn_blocking(open).await.map_err(|error| Error::internal(error.to_string()))?;
        let contents = opened.map_err(|error| Error::internal(error.to_string()))?;
        // Only now, so that the journal covers what snapshots and ledger have.
        let reader = lease.reader().await.map_err(|error| Error::internal(error.to_string()))?;
        let (sender, pieces) = channel(PIECES);
        let work = move || write(contents, reader, lease, sender);
        let thread = std::thread::Builder::new().name("backup".to_owned()).spawn(work);
        thread.map_err(|error| Error::internal(format!("no thread for a backup: {error}")))?;
        Ok(Backup { pieces })
    }
}

/// Writes the backup, and lets the journal go on deleting.
fn write(
    contents: Contents,
    mut journal: Box<dyn Reader>,
    lease: Lease,
    sender: Sender<Result<Vec<u8>, Error>>,
) {
    let begun = Instant::now();
    let mut output = Pieces { sender, piece: Vec::with_capacity(PIECE_BYTES), bytes: 0 };
    let written = backup::write(contents, &mut *journal, &mut output);
    drop((journal, lease));
    match written {
        Ok(_) => {
            let (bytes, milliseconds) = (output.bytes, begun.elapsed().as_millis() as u64);
            tracing::info!(bytes, milliseconds, "a backup was taken");
        }
        Err(error) => {
            tracing::warn!(%error, bytes = output.bytes, "a backup was not completed");
            // Whoever is gone need not hear it.
            let _ = output.sender.try_send(Err(Error::internal(error.to_string())));
        }
    }
}

/// Gathers what is written into pieces.
struct Pieces {
    sender: Sender<Result<Vec<u8>, Error>>,
    piece: Vec<u8>,
    bytes: u64,
}

impl Pieces {
    /// Passes the piece on. The taker is a task that only runs when its client takes something, so
    /// this looks again and again rather than being woken.
    fn pass_on(&mut self) -> io::Result<()> {
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE_BYTES));
        let bytes = piece.len() as u64;
        let (mut piece, begun) = (Ok(piece), Instant::now());
        loop {
            match self.sender.try_send(piece) {
                Ok(()) => {
                    self.bytes += bytes;
                    return Ok(());
                }
                Err(TrySendError::Closed(_)) => {
                    return Err(io::Error::new(io::ErrorKind::BrokenPipe, "its taker is gone"));
                }
                Err(TrySendError::Full(_)) if begun.elapsed() > PATIENCE => {
                    return Err(io::Error::new(io::ErrorKind::TimedOut, "its taker takes nothing"));
                }
                Err(TrySendError::Full(back)) => piece = back,
            }
            std::thread::sleep(PAUSE);
        }
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = PIECE_BYTES - self.piece.len();
        let (now, _) = bytes.split_at(room.min(bytes.len()));
        self.piece.extend_from_slice(now);
        if self.piece.len() == PIECE_BYTES {
            self.pass_on()?;
        }
        Ok(now.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() { Ok(()) } else { self.pass_on() }
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
