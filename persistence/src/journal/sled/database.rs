//! The sled database, and everything that makes it durable and keeps its panics in.

use std::any::Any;
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;

use super::super::error::Error;
use super::key::{self, Kind, PIECE_BYTES};

/// The name that sled gives its one large file.
const DATA_FILE: &str = "db";
/// The folder of sled's files that are never synced.
const BLOBS_FOLDER: &str = "blobs";
/// How long a database that was just dropped may take to close.
const LONGEST_CLOSE: Duration = Duration::from_secs(5);

/// What [`Database::scan`] calls.
pub(super) type Visitor<'a> = dyn FnMut(u64, Option<&[u8]>) -> Result<bool, Error> + 'a;

/// An open database. Clones are the same one; only one of them writes.
#[derive(Clone)]
pub(super) struct Database {
    db: sled::Db,
    folder: PathBuf,
    data: Arc<fs::File>,
}

impl Database {
    /// Opens the database in `folder`, or makes an empty one, and makes durable what opening wrote.
    pub(super) fn open(folder: &Path, cache_bytes: u64) -> Result<Self, Error> {
        let in_context = |error: io::Error| failed("opening", folder, error.to_string());
        if !folder.exists() {
            make(folder, cache_bytes)?;
        }
        wait(folder).map_err(in_context)?;
        remove_unfinished_snapshots(folder).map_err(in_context)?;
        forget_cached_pages(&folder.join(DATA_FILE)).map_err(in_context)?;
        let db = open_sled(folder, cache_bytes)?;
        let data = fs::File::open(folder.join(DATA_FILE)).map_err(in_context)?;
        sync_all(folder).map_err(in_context)?;
        let database = Self { db, folder: folder.to_owned(), data: Arc::new(data) };
        database.refuse_blobs()?;
        Ok(database)
    }

    /// Stores bytes in pieces. Not durable yet.
    pub(super) fn put(&self, kind: Kind, number: u64, bytes: &[u8]) -> Result<(), Error> {
        self.guarded("writing", |db| {
            for (piece, bytes) in (0..).zip(bytes.chunks(PIECE_BYTES)) {
                db.insert(key::encode(kind, number, piece), bytes)?;
            }
            Ok(())
        })
    }

    /// Makes everything that was stored durable.
    pub(super) fn make_durable(&self) -> Result<(), Error> {
        self.guarded("flushing", |db| db.flush())?;
        self.data
            .sync_data()
            .map_err(|error| failed("syncing", &self.folder, error.to_string()))?;
        self.refuse_blobs()
    }

    /// Removes everything of a kind with a number below this one. Not durable yet.
    pub(super) fn remove_before(&self, kind: Kind, number: u64) -> Result<(), Error> {
        self.remove_range(key::encode(kind, 0, 0)..key::encode(kind, number, 0))
    }

    /// Removes everything of a kind with this number or a higher one. Not durable yet.
    pub(super) fn remove_from(&self, kind: Kind, number: u64) -> Result<(), Error> {
        self.remove_range(key::encode(kind, number, 0)..key::encode(kind, u64::MAX, u32::MAX))
    }

    fn remove_range(&self, range: std::ops::Range<[u8; key::KEY_BYTES]>) -> Result<(), Error> {
        self.guarded("deleting", |db| {
            for key in db.range(range).keys() {
                db.remove(key?)?;
            }
            Ok(())
        })
    }

    /// Gives `visit` the number and the bytes of everything of a kind in a range of numbers, in
    /// order; `None` for bytes whose pieces are not all there. `visit` ends it with `false`.
    pub(super) fn scan(
        &self,
        kind: Kind,
        numbers: std::ops::Range<u64>,
        visit: &mut Visitor<'_>,
    ) -> Result<(), Error> {
        let range = key::encode(kind, numbers.start, 0)..key::encode(kind, numbers.end, 0);
        let mut pieces = self.guarded("reading", |db| Ok(db.range(range)))?;
        let mut number = None;
        let mut expected = 0;
        let mut whole = true;
        let mut bytes = Vec::new();
        loop {
            let next = self.guarded("reading", |_| pieces.next().transpose())?;
            let place = next.as_ref().and_then(|(key, _)| key::decode(key));
            if let Some(done) =
                number.filter(|&number| place.is_none_or(|(next, _)| next != number))
            {
                if !visit(done, whole.then_some(&bytes))? {
                    return Ok(());
                }
                (expected, whole) = (0, true);
                bytes.clear();
            }
            let (Some((_, value)), Some((next, piece))) = (next, place) else {
                return Ok(());
            };
            number = Some(next);
            whole &= piece == expected;
            expected += 1;
            bytes.extend_from_slice(&value);
        }
    }

    /// The highest number of a kind.
    pub(super) fn highest(&self, kind: Kind) -> Result<Option<u64>, Error> {
        let range = key::encode(kind, 0, 0)..key::encode(kind, u64::MAX, u32::MAX);
        let last = self.guarded("reading", |db| db.range(range).next_back().transpose())?;
        Ok(last.and_then(|(key, _)| key::decode(&key)).map(|(number, _)| number))
    }

    pub(super) fn stored_bytes(&self) -> u64 {
        self.data.metadata().map_or(0, |metadata| metadata.len())
    }

    /// Turns what sled says or panics over into our error.
    fn guarded<T>(
        &self,
        doing: &'static str,
        act: impl FnOnce(&sled::Db) -> sled::Result<T>,
    ) -> Result<T, Error> {
        guarded(doing, &self.folder, || act(&self.db))
    }

    /// No blob is ever durable, so there must be none.
    fn refuse_blobs(&self) -> Result<(), Error> {
        let blob = match fs::read_dir(self.folder.join(BLOBS_FOLDER)) {
            Ok(mut blobs) => blobs.next().is_some(),
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        };
        if !blob {
            return Ok(());
        }
        let reason = "there is a file under blobs/, which is never synced";
        Err(failed("looking for blobs", &self.folder, reason.to_owned()))
    }
}

/// Makes an empty database under another name first: were the power cut while sled makes its
/// files, then it might never open them again.
fn make(folder: &Path, cache_bytes: u64) -> Result<(), Error> {
    let in_context = |error: io::Error| failed("making", folder, error.to_string());
    let temporary = folder.with_extension("new");
    if temporary.exists() {
        fs::remove_dir_all(&temporary).map_err(in_context)?;
    }
    let db = open_sled(&temporary, cache_bytes)?;
    guarded("making", folder, || db.flush())?;
    guarded("making", folder, || {
        drop(db);
        Ok(())
    })?;
    wait(&temporary).map_err(in_context)?;
    sync_all(&temporary).map_err(in_context)?;
    fs::rename(&temporary, folder).map_err(in_context)?;
    sync_parent(folder).map_err(in_context)
}

fn open_sled(folder: &Path, cache_bytes: u64) -> Result<sled::Db, Error> {
    let configuration =
        sled::Config::new().path(folder).flush_every_ms(None).cache_capacity(cache_bytes);
    guarded("opening", folder, || configuration.open())
}

fn guarded<T>(
    doing: &'static str,
    folder: &Path,
    act: impl FnOnce() -> sled::Result<T>,
) -> Result<T, Error> {
    // The database is not used again after a panic: the journal is poisoned by the error.
    match catch_unwind(AssertUnwindSafe(act)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(failed(doing, folder, error.to_string())),
        Err(panic) => Err(failed(doing, folder, format!("it panicked: {}", message(&*panic)))),
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    let text = text.unwrap_or_else(|| "without a reason".to_owned());
    text.lines().next().unwrap_or_default().to_owned()
}

fn failed(doing: &'static str, folder: &Path, reason: String) -> Error {
    Error::Sled { doing, reason, folder: folder.display().to_string() }
}

/// Waits until nothing has the database in a folder open, if there is one.
pub(crate) fn wait_until_closed(folder: &Path) -> Result<(), Error> {
    if !folder.join(DATA_FILE).exists() {
        return Ok(());
    }
    wait(folder).map_err(|error| failed("closing", folder, error.to_string()))
}

/// Waits until nothing has the database open. When a database is dropped, sled's threads hold it,
/// and the lock on its file, for some milliseconds more, and write its last bytes meanwhile.
fn wait(folder: &Path) -> io::Result<()> {
    let file = fs::File::open(folder.join(DATA_FILE))?;
    let start = Instant::now();
    loop {
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) if start.elapsed() < LONGEST_CLOSE => {
                thread::sleep(Duration::from_millis(1));
            }
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(io::Error::other("another process has it open"));
            }
            locked => return Ok(locked?),
        }
    }
}

/// sled writes a snapshot at every open, under a name that ends like this until it is whole. One
/// that a crash left behind it takes for the newest, finds corrupt, and refuses to open for good.
/// Finished snapshots are whole, since sled syncs them before it renames them.
fn remove_unfinished_snapshots(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "generating") {
            fs::remove_file(path)?;
        }
    }
    fs::File::open(folder)?.sync_all()
}

/// Makes the kernel read the file from the disk again. If the last process ended because a sync
/// failed, then the kernel may show bytes that the disk does not have and never will.
fn forget_cached_pages(path: &Path) -> io::Result<()> {
    let file = fs::File::open(path)?;
    file.sync_all()?;
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
    Ok(())
}

/// Syncs all files and names in a folder, and the folder's own name: at open, sled renames and
/// removes files without making that durable.
fn sync_all(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        fs::File::open(path)?.sync_all()?;
    }
    fs::File::open(folder)?.sync_all()?;
    sync_parent(folder)
}

fn sync_parent(folder: &Path) -> io::Result<()> {
    match folder.parent() {
        Some(parent) => fs::File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}
