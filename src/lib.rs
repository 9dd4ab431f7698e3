//! redeemd, as a library for its binary, its benchmarks and its tests.

pub mod http;
pub mod secrets;
pub mod service;
