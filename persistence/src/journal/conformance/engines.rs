//! The storages of the three engines, as the suite handles them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::block::{ALIGNMENT, Header, Kind, padded};
use super::super::memory::{MemoryFailure, MemoryStorage};
use super::super::options::{Engine, Preparation};
use super::Storage;
use crate::disk::simulated::SimulatedDisk;
use crate::disk::{Disk, File, RealDisk, Result};

/// The smallest segments, so that little data fills several.
pub(super) const SEGMENT_BYTES: u64 = Engine::SMALLEST_SEGMENT_BYTES;
const CAPACITY_BYTES: u64 = 1 << 30;

pub(super) struct Memory {
    storage: MemoryStorage,
    disk: SimulatedDisk,
}

impl Memory {
    pub(super) fn new() -> Self {
        Self { storage: MemoryStorage::new(), disk: limited_disk(1) }
    }
}

fn limited_disk(seed: u64) -> SimulatedDisk {
    let disk = SimulatedDisk::new(seed);
    disk.set_capacity(CAPACITY_BYTES);
    disk
}

fn set_free_bytes(disk: &SimulatedDisk, bytes: u64) {
    let used: usize = disk.contents().values().map(Vec::len).sum();
    disk.set_capacity(used as u64 + bytes);
}

impl Storage for Memory {
    fn disk(&self) -> Arc<dyn Disk> {
        Arc::new(self.disk.clone())
    }

    fn engine(&self) -> Engine {
        Engine::Memory(self.storage.clone())
    }

    fn blocks(&self) -> Vec<(u64, Vec<u8>)> {
        self.storage.blocks()
    }

    fn set_block(&self, number: u64, bytes: Option<&[u8]>) {
        self.storage.set_block(number, bytes.map(<[u8]>::to_vec));
    }

    fn set_free_bytes(&self, bytes: u64) {
        set_free_bytes(&self.disk, bytes);
    }

    fn fail_next_append(&self) {
        self.storage.fail_next(MemoryFailure::UnknownAndTorn);
    }

    fn restart(&self) {}
}

pub(super) struct Segment {
    pub(super) disk: SimulatedDisk,
    preparation: Preparation,
    /// Where blocks were that a test has made unrecognisable.
    places: RefCell<BTreeMap<u64, (String, u64, usize)>>,
}

impl Segment {
    pub(super) fn new(preparation: Preparation) -> Self {
        Self::with_seed(preparation, 1)
    }

    pub(super) fn with_seed(preparation: Preparation, seed: u64) -> Self {
        Self { disk: limited_disk(seed), preparation, places: RefCell::default() }
    }

    fn find(&self, number: u64) -> (String, u64, usize) {
        let mut places = self.places.borrow_mut();
        for (found, path, offset, bytes) in blocks_in(&self.disk) {
            places.entry(found).or_insert((path, offset, padded(bytes.len())));
        }
        places.get(&number).cloned().unwrap()
    }
}

fn blocks_in(disk: &SimulatedDisk) -> Vec<(u64, String, u64, Vec<u8>)> {
    let mut blocks = Vec::new();
    for (path, content) in disk.contents() {
        for (page, bytes) in content.chunks(ALIGNMENT).enumerate() {
            if let Ok(header) = Header::decode(bytes)
                && header.kind == Kind::Entries
            {
                let start = page * ALIGNMENT;
                let bytes = content[start..start + header.block_length()].to_vec();
                blocks.push((header.number, path.clone(), start as u64, bytes));
            }
        }
    }
    blocks
}

impl Storage for Segment {
    fn disk(&self) -> Arc<dyn Disk> {
        Arc::new(self.disk.clone())
    }

    fn engine(&self) -> Engine {
        Engine::Segment { segment_bytes: SEGMENT_BYTES, preparation: self.preparation }
    }

    fn blocks(&self) -> Vec<(u64, Vec<u8>)> {
        blocks_in(&self.disk).into_iter().map(|(number, _, _, bytes)| (number, bytes)).collect()
    }

    fn set_block(&self, number: u64, bytes: Option<&[u8]>) {
        let (path, offset, length) = self.find(number);
        let mut content = bytes.unwrap_or_default().to_vec();
        content.resize(length, 0);
        let file = self.disk.open(&path).unwrap();
        file.write_at(&content, offset).unwrap();
        file.sync_data().unwrap();
    }

    fn set_free_bytes(&self, bytes: u64) {
        set_free_bytes(&self.disk, bytes);
    }

    fn fail_next_append(&self) {
        self.disk.fail_syncs_from(self.disk.operations() + 1);
    }

    fn restart(&self) {
        self.disk.process_restart();
    }
}

pub(super) struct Sled {
    folder: tempfile::TempDir,
    disk: LimitedDisk,
}

impl Sled {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let free_bytes = Arc::new(AtomicU64::new(CAPACITY_BYTES));
        let disk = LimitedDisk { disk: Arc::new(RealDisk::new(folder.path())), free_bytes };
        Self { folder, disk }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("journal/sled")
    }

    fn database(&self) -> sled::Db {
        // A database that was dropped keeps its lock for a moment; only a lock is waited for, and
        // a test that waits for one that never goes is ended by its runner.
        loop {
            match sled::Config::new().path(self.path()).flush_every_ms(None).open() {
                Ok(database) => return database,
                Err(sled::Error::Io(error)) if error.to_string().contains("acquire lock") => {
                    std::thread::yield_now();
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}

impl Storage for Sled {
    fn disk(&self) -> Arc<dyn Disk> {
        Arc::new(self.disk.clone())
    }

    fn engine(&self) -> Engine {
        Engine::Sled { folder: self.path(), cache_bytes: 8 << 20 }
    }

    fn blocks(&self) -> Vec<(u64, Vec<u8>)> {
        let mut blocks: Vec<(u64, Vec<u8>)> = Vec::new();
        for piece in self.database().scan_prefix(b"b") {
            let (key, value) = piece.unwrap();
            let number = u64::from_be_bytes(key[1..9].try_into().unwrap());
            if blocks.last().is_none_or(|(last, _)| *last != number) {
                blocks.push((number, Vec::new()));
            }
            blocks.last_mut().unwrap().1.extend_from_slice(&value);
        }
        blocks
    }

    fn set_block(&self, number: u64, bytes: Option<&[u8]>) {
        let database = self.database();
        let mut prefix = vec![b'b'];
        prefix.extend_from_slice(&number.to_be_bytes());
        for key in database.scan_prefix(&prefix).keys() {
            database.remove(key.unwrap()).unwrap();
        }
        for (piece, value) in (0_u32..).zip(bytes.unwrap_or_default().chunks(6 << 10)) {
            let key = [prefix.as_slice(), &piece.to_be_bytes()].concat();
            database.insert(key, value).unwrap();
        }
        database.flush().unwrap();
    }

    fn set_free_bytes(&self, bytes: u64) {
        self.disk.free_bytes.store(bytes, Ordering::Relaxed);
    }

    fn fail_next_append(&self) {
        std::fs::write(self.path().join("blobs/0"), b"blob").unwrap();
    }

    fn restart(&self) {
        std::fs::remove_file(self.path().join("blobs/0")).unwrap();
    }
}

/// A real disk whose free space is what a test says.
#[derive(Clone, Debug)]
struct LimitedDisk {
    disk: Arc<RealDisk>,
    free_bytes: Arc<AtomicU64>,
}

impl Disk for LimitedDisk {
    fn open(&self, path: &str) -> Result<Arc<dyn File>> {
        self.disk.open(path)
    }

    fn create(&self, path: &str) -> Result<Arc<dyn File>> {
        self.disk.create(path)
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &str) -> Result<()> {
        self.disk.remove(path)
    }

    fn list(&self, folder: &str) -> Result<Vec<String>> {
        self.disk.list(folder)
    }

    fn create_folder(&self, folder: &str) -> Result<()> {
        self.disk.create_folder(folder)
    }

    fn sync_folder(&self, folder: &str) -> Result<()> {
        self.disk.sync_folder(folder)
    }

    fn free_bytes(&self) -> Result<u64> {
        Ok(self.free_bytes.load(Ordering::Relaxed))
    }
}
