//! What the disk does just now, to stand beside every durable figure.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// For how long the disk is asked for its rate.
const BRIEFLY: Duration = Duration::from_millis(500);

/// How long this disk took to make 4 KiB durable, again and again.
pub(crate) struct Syncs {
    times: Vec<Duration>,
    elapsed: Duration,
}

impl Syncs {
    /// Half a second of them: enough for a rate.
    pub(crate) fn rate(folder: &Path) -> f64 {
        Self::probe(folder, BRIEFLY).a_second()
    }

    /// So long of them.
    pub(crate) fn probe(folder: &Path, duration: Duration) -> Self {
        let mut file = File::create(folder.join("probe")).unwrap();
        file.write_all(&vec![0; 4 << 20]).unwrap();
        file.sync_all().unwrap();
        let (begun, mut times) = (Instant::now(), Vec::new());
        while begun.elapsed() < duration {
            let asked = Instant::now();
            file.write_all_at(&[1; 4096], (times.len() as u64 % 1024) * 4096).unwrap();
            file.sync_data().unwrap();
            times.push(asked.elapsed());
        }
        let elapsed = begun.elapsed();
        times.sort_unstable();
        Self { times, elapsed }
    }

    /// How many there were in a second.
    pub(crate) fn a_second(&self) -> f64 {
        self.times.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// Within which time this part of them was done, in milliseconds.
    pub(crate) fn quantile(&self, part: f64) -> f64 {
        let place = (self.times.len() as f64 * part) as usize;
        self.times.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e3)
    }
}
