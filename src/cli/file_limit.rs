//! The limit on the size of files (`ulimit -f`). Beyond it the operating system kills a process that
//! does not listen for SIGXFSZ; one that does gets an error, can tell where it got to, and leaves no
//! half of a file behind.

use actix_web::rt::signal::unix::{SignalKind, signal};

/// SIGXFSZ on Linux.
const FILE_SIZE_EXCEEDED: i32 = 25;

/// From now on a file that becomes too large is an error of whoever writes it. Where the operating
/// system refuses even that, the process is killed as before.
pub(super) fn becomes_an_error() {
    let system = actix_web::rt::Runtime::new();
    if let Ok(runtime) = system {
        // What listens to a signal once does so for the life of the process.
        let _ = runtime.block_on(async { signal(SignalKind::from_raw(FILE_SIZE_EXCEEDED)) });
    }
}
