//! How far a place in the log is from its end.

use redeemd_domain::sequence::Position;

use super::super::error::Result;
use super::records_path;
use super::view::Log;

impl Log {
    /// The bytes from the beginning of the earliest block that covers any of these positions to the
    /// end of what is sealed; 0 where there is none.
    pub(in super::super) fn bytes_from(&self, positions: &[Position]) -> Result<u64> {
        let mut earliest = None;
        for &position in positions {
            let begin = self.begin_of(position)?;
            earliest = earliest.into_iter().chain(begin).min();
        }
        let Some((file, offset)) = earliest else { return Ok(0) };
        let (active, mut bytes) = {
            let view = self.view();
            (view.active.file, view.end())
        };
        for closed in file..active {
            bytes += self.disk.open(&records_path(closed))?.length()?;
        }
        Ok(bytes.saturating_sub(offset))
    }
}
