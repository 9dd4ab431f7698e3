//! How far something is that takes a while.

/// Hears how far something is.
pub trait Progress {
    /// Something begins that has about so many bytes to go through.
    fn begin(&mut self, what: &'static str, bytes: u64);

    /// So many more bytes are done.
    fn advance(&mut self, bytes: u64);
}

/// Passes it over.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&mut self, _: &'static str, _: u64) {}

    fn advance(&mut self, _: u64) {}
}
