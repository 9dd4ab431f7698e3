//! redeemd, as a library for its binary, its benchmarks and its tests.

pub mod application;
pub mod build;
pub mod cli;
pub mod client;
pub mod http;
pub mod limits;
pub mod load;
pub mod logging;
pub mod operation;
pub mod secrets;
pub mod service;
