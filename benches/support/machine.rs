//! The processors: who may use which, and who used how much.

use std::path::PathBuf;
use std::time::Duration;

use rustix::thread::{CpuSet, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

/// The monotonic clock, which tools that trace the kernel show as well.
pub(crate) fn monotonic() -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// Keeps this thread, and all that it starts from now on, to one core.
pub(crate) fn keep_to_core(core: usize) {
    let mut cores = CpuSet::new();
    cores.set(core);
    sched_setaffinity(None, &cores).unwrap();
}

/// How much processor time a process has taken.
pub(crate) fn processor_time(id: u32) -> Duration {
    let statistics = std::fs::read_to_string(PathBuf::from(format!("/proc/{id}/stat"))).unwrap();
    let fields: Vec<&str> = statistics.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}
