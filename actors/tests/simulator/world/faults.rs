//! What goes wrong, and when.

use redeemd_persistence::disk::Disk as _;

use super::World;
use super::restart::End;
use crate::dice::Dice as _;

impl World {
    /// Lets things go wrong as often as the plan says.
    pub(crate) fn meddle(&mut self) {
        let faults = self.plan.faults;
        if self.random.one_in(faults.power_cut) {
            return self.crash(End::PowerCut);
        }
        if self.random.one_in(faults.kill) {
            return self.crash(End::Kill);
        }
        if self.power_off.is_none() && self.random.one_in(faults.power_off) {
            let at = self.disk.operations() + 1 + self.random.below(40);
            self.disk.stop_at(at);
            self.power_off = Some(at);
        }
        if self.random.one_in(faults.failed_sync) {
            self.disk.fail_syncs_from(self.disk.operations() + 1 + self.random.below(20));
            self.trace.note("sync will fail", 0, 0);
        }
        if self.random.one_in(faults.failed_write) {
            self.disk.fail_writes_from(self.disk.operations() + 1 + self.random.below(20));
            self.trace.note("write will fail", 0, 0);
        }
        if self.random.one_in(faults.disk_full) {
            self.fill_disk();
        } else if self.capacity.is_some() && self.random.one_in(150) {
            self.make_space();
        }
        if self.random.one_in(faults.panic) {
            let sequence = self.any_sequence();
            self.panic(sequence);
        }
        if self.random.one_in(faults.clock_jump) {
            self.jump();
        } else if self.random.one_in(120) && self.has_leapt() {
            self.trace.note("believe clock", 0, 0);
            self.believe_clock();
        }
    }

    /// Ends a process that has lost its disk or its trust in it.
    pub(crate) fn bury(&mut self) {
        if self.is_stopped() {
            return self.crash(End::PowerCut);
        }
        if self.process().fatal.is_some() && self.random.one_in(4) {
            let is_cut = self.random.percent(40);
            self.crash(if is_cut { End::PowerCut } else { End::Kill });
        }
    }

    /// There is room on the disk again.
    pub(crate) fn make_space(&mut self) {
        if self.capacity.take().is_some() {
            self.trace.note("space again", 0, 0);
            self.disk.set_capacity(1 << 50);
        }
    }

    /// Nothing goes wrong any more.
    pub(crate) fn calm_down(&mut self) {
        self.make_space();
        self.power_off = None;
        self.disk.stop_at(u64::MAX);
        self.disk.fail_syncs_from(u64::MAX);
        self.disk.fail_writes_from(u64::MAX);
        self.believe_clock();
    }

    fn fill_disk(&mut self) {
        let Ok(free) = self.disk.free_bytes() else { return };
        if self.capacity.is_some() {
            return;
        }
        let used = (1 << 50) - free;
        // Mostly the ledger keeps room for a while, and only the journal stops.
        let left = if self.random.one_in(6) {
            self.random.below(8 << 10)
        } else {
            self.plan.minimum_free_bytes * self.random.between(50, 130) / 100
        };
        self.trace.note("disk full", used, left);
        self.disk.set_capacity(used + left);
        self.capacity = Some(used + left);
    }

    fn jump(&mut self) {
        let hour = 3_600_000;
        let wall = &mut self.now.wall.0;
        match self.random.below(8) {
            0 => {
                *wall += self.random.between(1, 5) * 24 * hour;
                self.trace.note("clock leaps", *wall, 0);
            }
            1..=3 => {
                *wall -= self.random.below(2 * hour);
                self.trace.note("clock runs back", *wall, 0);
            }
            _ => {
                *wall += self.random.below(50_000);
                self.trace.note("clock hurries", *wall, 0);
            }
        }
    }
}
