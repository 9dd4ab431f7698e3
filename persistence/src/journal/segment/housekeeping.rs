//! What no append should wait for: making the next segment, and removing the released ones.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use super::super::error::Refusal;
use super::super::options::Preparation;
use super::super::space::FOLDER;
use super::pace::Pace;
use super::{Settings, name};
use crate::disk::{self, File};

/// Zeros are written in pieces of this size: for a larger one the kernel keeps a core to itself for
/// milliseconds.
const CHUNK_BYTES: u64 = 64 << 10;
/// They are synced in portions of this size, so that the flushes of the journal, which the same
/// disk serves meanwhile, do not wait for all of them.
const SYNC_BYTES: u64 = 512 << 10;
/// The same where somebody waits for the segment.
const HURRIED_SYNC_BYTES: u64 = 4 << 20;

/// Why there is no next segment.
#[derive(Debug)]
pub(super) enum NotPrepared {
    /// For lack of space; nothing is left of the attempt.
    NoSpace(Refusal),
    /// The disk failed.
    Failed(disk::Error),
}

type Prepared = Result<Arc<dyn File>, NotPrepared>;

/// The segment after the current one, and those to be removed.
#[derive(Debug)]
pub(super) struct Housekeeping {
    settings: Settings,
    next_index: u64,
    next: Next,
    to_remove: VecDeque<u64>,
    removing: Option<JoinHandle<disk::Result<()>>>,
}

#[derive(Debug)]
enum Next {
    Missing,
    BeingMade(JoinHandle<Prepared>, Arc<Pace>),
    Ready(Arc<dyn File>),
}

impl Housekeeping {
    /// `ready` is the segment `next_index` if it exists already, all zeros and synced.
    pub(super) fn new(settings: Settings, next_index: u64, ready: Option<Arc<dyn File>>) -> Self {
        Self {
            settings,
            next_index,
            next: ready.map_or(Next::Missing, Next::Ready),
            to_remove: VecDeque::new(),
            removing: None,
        }
    }

    /// The next segment and its index; waits for it, or makes it, where it must.
    pub(super) fn take_prepared(&mut self) -> Result<(u64, Arc<dyn File>), NotPrepared> {
        let file = match std::mem::replace(&mut self.next, Next::Missing) {
            Next::Ready(file) => file,
            Next::BeingMade(thread, pace) => match join(thread, &pace) {
                // Space may have come back since the thread found none.
                Err(NotPrepared::NoSpace(_)) => self.make_now()?,
                made => made?,
            },
            Next::Missing => self.make_now()?,
        };
        let index = self.next_index;
        self.next_index += 1;
        Ok((index, file))
    }

    /// Begins to make the next segment, where a thread does that.
    pub(super) fn start_preparing(&mut self) {
        if let (Preparation::Background, Next::Missing) = (self.settings.preparation, &self.next) {
            let (settings, index) = (self.settings.clone(), self.next_index);
            let pace = Arc::new(Pace::default());
            let work = {
                let pace = Arc::clone(&pace);
                move || make(&settings, index, &pace)
            };
            // Without a thread, the append that needs the segment makes it.
            if let Ok(thread) = thread::Builder::new().name("journal-prepare".into()).spawn(work) {
                self.next = Next::BeingMade(thread, pace);
            }
        }
    }

    /// The current segment is filled up to here, so that the next one is needed the sooner.
    pub(super) fn filled_to(&self, offset: u64) {
        if let Next::BeingMade(_, pace) = &self.next {
            pace.filled_to(offset);
        }
    }

    fn make_now(&self) -> Prepared {
        make(&self.settings, self.next_index, &Pace::hurried())
    }

    /// Sees to it that the next segment is there or being made.
    pub(super) fn prepare(&mut self) -> disk::Result<()> {
        self.go_on_removing()?;
        match (&self.next, self.settings.preparation) {
            (Next::BeingMade(thread, _), _) if thread.is_finished() => {}
            (Next::Missing, Preparation::Inline) => {}
            (Next::Missing, Preparation::Background) => {
                self.start_preparing();
                return Ok(());
            }
            _ => return Ok(()),
        }
        let made = match std::mem::replace(&mut self.next, Next::Missing) {
            Next::BeingMade(thread, pace) => join(thread, &pace),
            _ => self.make_now(),
        };
        match made {
            Ok(file) => self.next = Next::Ready(file),
            Err(NotPrepared::NoSpace(_)) => {}
            Err(NotPrepared::Failed(error)) => return Err(error),
        }
        Ok(())
    }

    /// Removes segments, oldest first, now or soon.
    pub(super) fn remove(&mut self, indices: impl Iterator<Item = u64>) -> disk::Result<()> {
        self.to_remove.extend(indices);
        self.go_on_removing()
    }

    fn go_on_removing(&mut self) -> disk::Result<()> {
        if let Some(thread) = self.removing.take_if(|thread| thread.is_finished()) {
            thread.join().unwrap_or_else(|_| Err(thread_ended("remove")))?;
        }
        if self.to_remove.is_empty() || self.removing.is_some() {
            return Ok(());
        }
        let indices = std::mem::take(&mut self.to_remove);
        let settings = self.settings.clone();
        if settings.preparation == Preparation::Inline {
            return remove_all(&settings, &indices);
        }
        let work = move || remove_all(&settings, &indices);
        let thread = thread::Builder::new().name("journal-remove".into()).spawn(work);
        self.removing = Some(thread.map_err(|source| disk::Error {
            operation: "start a thread to remove",
            path: FOLDER.to_owned(),
            source,
        })?);
        Ok(())
    }
}

impl Drop for Housekeeping {
    /// Waits for the threads, so that nothing touches the files of a journal that was closed.
    fn drop(&mut self) {
        if let Next::BeingMade(thread, pace) = std::mem::replace(&mut self.next, Next::Missing) {
            drop(join(thread, &pace));
        }
        if let Some(thread) = self.removing.take() {
            drop(thread.join());
        }
    }
}

fn join(thread: JoinHandle<Prepared>, pace: &Pace) -> Prepared {
    pace.hurry();
    thread.join().unwrap_or_else(|_| Err(NotPrepared::Failed(thread_ended("prepare"))))
}

fn thread_ended(operation: &'static str) -> disk::Error {
    let source = io::Error::other("the thread panicked");
    disk::Error { operation, path: FOLDER.to_owned(), source }
}

/// One durable deletion after the other: a power cut then leaves no gap between the segments.
fn remove_all(settings: &Settings, indices: &VecDeque<u64>) -> disk::Result<()> {
    indices.iter().try_for_each(|&index| {
        settings.disk.remove(&name::path(index))?;
        settings.disk.sync_folder(FOLDER)
    })
}

/// Makes a segment of zeros, durable with its name, in place of whatever has that name.
pub(super) fn make(settings: &Settings, index: u64, pace: &Pace) -> Prepared {
    let Settings { disk, space, segment_bytes, .. } = settings;
    let path = name::path(index);
    remove_if_there(settings, &path).map_err(NotPrepared::Failed)?;
    space.check(*segment_bytes).map_err(NotPrepared::NoSpace)?;
    let error = match fill(settings, &path, pace) {
        Ok(file) => return Ok(file),
        Err(error) => error,
    };
    if !error.is_full() {
        return Err(NotPrepared::Failed(error));
    }
    remove_if_there(settings, &path).map_err(NotPrepared::Failed)?;
    let free_bytes = disk.free_bytes().unwrap_or(0);
    Err(NotPrepared::NoSpace(Refusal::NoSpace { free_bytes, needed_bytes: *segment_bytes }))
}

fn remove_if_there(settings: &Settings, path: &str) -> disk::Result<()> {
    match settings.disk.remove(path) {
        Err(error) if error.source.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn fill(settings: &Settings, path: &str, pace: &Pace) -> disk::Result<Arc<dyn File>> {
    let file = settings.disk.create(path)?;
    let length = settings.segment_bytes;
    let zeros = vec![0; CHUNK_BYTES.min(length) as usize];
    let mut written = 0;
    while written < length {
        let count = (length - written).min(CHUNK_BYTES);
        file.write_at(zeros.get(..count as usize).unwrap_or(&zeros), written)?;
        written += count;
        let rest = pace.rest_at(written).filter(|_| written < length);
        let portion = if rest.is_some() { SYNC_BYTES } else { HURRIED_SYNC_BYTES };
        if written.is_multiple_of(portion) || written == length {
            file.sync_data()?;
        }
        if let Some(rest) = rest {
            thread::sleep(rest);
        }
    }
    settings.disk.sync_folder(FOLDER)?;
    Ok(file)
}
