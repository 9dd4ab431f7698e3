//! The redeemd binary.
fn main() {}
