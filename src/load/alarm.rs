//! Waiting for a time exactly. The runtime's own timers are a millisecond coarse, which is more than
//! many an answer takes.

use std::io;
use std::time::Duration;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::net::unix::pipe::Receiver;

/// A timer of the kernel's. It is read as a pipe is, and a pipe's reader can be had without unsafe
/// code.
pub(super) struct Alarm(Receiver);

impl Alarm {
    /// A timer that is not set. Must be made within a runtime.
    pub(super) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        Ok(Self(Receiver::from_owned_fd_unchecked(timer)?))
    }

    /// Waits for so long.
    pub(super) async fn wait(&self, time: Duration) -> io::Result<()> {
        if time.is_zero() {
            return Ok(());
        }
        let never = Timespec { tv_sec: 0, tv_nsec: 0 };
        let once = Timespec {
            tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: time.subsec_nanos().into(),
        };
        let times = Itimerspec { it_interval: never, it_value: once };
        timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &times)?;
        // How often it went off; the kernel has it be read before it waits again.
        let mut count = [0; 8];
        loop {
            self.0.readable().await?;
            match self.0.try_read(&mut count) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read.map(|_| ()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn it_waits_as_long_as_it_is_told_again_and_again() {
        actix_web::rt::Runtime::new().unwrap().block_on(async {
            let alarm = Alarm::new().unwrap();
            for time in [1500, 0, 300, 700].map(Duration::from_micros) {
                let begun = Instant::now();
                alarm.wait(time).await.unwrap();
                assert!(begun.elapsed() >= time);
            }
        });
    }
}
