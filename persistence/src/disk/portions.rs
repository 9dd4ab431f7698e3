//! Writing much without being in anybody's way.
//!
//! What is on no answer's path shares processor and disk with the journal, whose flushes are on every
//! answer's path. A write of megabytes keeps the kernel, and with it a core, busy for milliseconds,
//! and a sync of megabytes holds up every other sync for as long. So large files are written in small
//! pieces, and made durable in portions while they grow: the last sync then has little left to do.

use std::sync::Arc;

use super::{Courtesy, File, Result};

/// No single write has more bytes: the kernel copies so many in a fraction of a millisecond.
pub(crate) const PIECE_BYTES: usize = 64 << 10;
/// So many bytes are made durable at a time, which keeps another sync waiting for about half a
/// millisecond.
pub(crate) const PORTION_BYTES: usize = 512 << 10;

/// A file that is written in pieces and made durable in portions.
#[derive(Debug)]
pub(crate) struct Portions {
    file: Arc<dyn File>,
    courtesy: Courtesy,
    /// Bytes that were written since the last sync.
    unsynced: usize,
}

impl Portions {
    /// Writes this file, as courteously as that says: who has to catch up leaves all syncing to the
    /// end, since on a slow disk each sync costs as much as megabytes.
    pub(crate) fn new(file: Arc<dyn File>, courtesy: Courtesy) -> Self {
        Self { file, courtesy, unsynced: 0 }
    }

    /// Writes all of `bytes` at `offset`. Whether they are durable afterwards is not said.
    ///
    /// # Errors
    /// When a write or a sync fails; neither may be tried again.
    pub(crate) fn write_at(&mut self, bytes: &[u8], offset: u64) -> Result<()> {
        write_in_pieces(&*self.file, bytes, offset)?;
        self.unsynced += bytes.len();
        let is_due = self.unsynced >= PORTION_BYTES && !self.courtesy.is_behind();
        if is_due { self.sync() } else { Ok(()) }
    }

    /// Makes everything durable that was written.
    ///
    /// # Errors
    /// When the sync fails; it may not be tried again.
    pub(crate) fn sync(&mut self) -> Result<()> {
        self.unsynced = 0;
        self.file.sync_data()
    }
}

/// Writes all of `bytes` at `offset`, a piece at a time.
///
/// # Errors
/// When a write fails; some of the pieces may have been written then.
pub(crate) fn write_in_pieces(file: &dyn File, bytes: &[u8], mut offset: u64) -> Result<()> {
    bytes.chunks(PIECE_BYTES).try_for_each(|piece| {
        file.write_at(piece, offset)?;
        offset += piece.len() as u64;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::super::Disk as _;
    use super::super::simulated::SimulatedDisk;
    use super::*;

    #[test]
    fn what_was_written_in_pieces_is_whole() {
        let disk = SimulatedDisk::new(1);
        let mut portions = Portions::new(disk.create("file").unwrap(), Courtesy::default());
        let bytes: Vec<u8> = (0..PORTION_BYTES + PIECE_BYTES / 2).map(|at| at as u8 ^ 7).collect();
        portions.write_at(&bytes[..100], 0).unwrap();
        portions.write_at(&bytes[100..], 100).unwrap();
        let mut read = vec![0; bytes.len() + 1];
        assert_eq!(disk.open("file").unwrap().read_at(&mut read, 0).unwrap(), bytes.len());
        assert!(read.starts_with(&bytes));
    }

    #[test]
    fn the_last_sync_covers_less_than_a_portion() {
        let disk = SimulatedDisk::new(1);
        let mut portions = Portions::new(disk.create("file").unwrap(), Courtesy::default());
        let before = disk.operations();
        portions.write_at(&[1; PORTION_BYTES - 1], 0).unwrap();
        let writes = PORTION_BYTES.div_ceil(PIECE_BYTES) as u64;
        assert_eq!(disk.operations() - before, writes, "no portion yet");
        portions.write_at(&[1], PORTION_BYTES as u64 - 1).unwrap();
        assert_eq!(disk.operations() - before, writes + 2, "the write, and the portion's sync");
    }

    #[test]
    fn who_has_to_catch_up_syncs_at_the_end() {
        let (disk, courtesy) = (SimulatedDisk::new(1), Courtesy::default());
        let mut portions = Portions::new(disk.create("file").unwrap(), courtesy.clone());
        courtesy.set_behind(true);
        let before = disk.operations();
        portions.write_at(&[1; PORTION_BYTES], 0).unwrap();
        let writes = PORTION_BYTES.div_ceil(PIECE_BYTES) as u64;
        assert_eq!(disk.operations() - before, writes, "no sync");
        courtesy.set_behind(false);
        portions.write_at(&[1], PORTION_BYTES as u64).unwrap();
        assert_eq!(disk.operations() - before, writes + 2, "the write, and the sync that is due");
    }
}
