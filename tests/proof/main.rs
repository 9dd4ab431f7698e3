//! Proof on the real process: what is true of the server as it is built and run, killed, traced and
//! searched. The tests know what every client knows, and what anybody can see of a process from
//! outside; never the server's inside.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs
)]

mod dice;
mod kill;
mod secrecy;
mod site;
mod trace;
