//! How fast the disk is at what every durable answer waits for.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long is measured.
const TIME: Duration = Duration::from_millis(300);

/// The size of what is written before each sync, in bytes.
const BLOCK: [u8; 4096] = [b'x'; 4096];

/// How many blocks the file has. It is filled beforehand, so that no sync has to grow it.
const BLOCKS: u64 = 256;

/// How many writes of a block, each made durable by fdatasync, the disk of a folder takes a second.
pub(super) fn measure(folder: &Path) -> io::Result<f64> {
    let path = folder.join("sync-rate");
    let file = File::create(&path)?;
    for block in 0..BLOCKS {
        file.write_all_at(&BLOCK, block * BLOCK.len() as u64)?;
    }
    file.sync_all()?;
    let begun = Instant::now();
    let mut syncs = 0;
    while begun.elapsed() < TIME {
        file.write_all_at(&BLOCK, syncs % BLOCKS * BLOCK.len() as u64)?;
        file.sync_data()?;
        syncs += 1;
    }
    let rate = syncs as f64 / begun.elapsed().as_secs_f64();
    std::fs::remove_file(path)?;
    Ok(rate)
}
