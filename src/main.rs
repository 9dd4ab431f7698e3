//! The redeemd binary; see `redeemd --help`.

use std::process::ExitCode;

// Redemptions allocate small things on one thread and free them on another, which is what the
// system's allocator is slowest at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    redeemd::cli::run()
}
