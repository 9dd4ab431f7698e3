//! Which build this is.

/// Its version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that it was built from, or `unknown`; see `build.rs` of the package.
pub const COMMIT: &str = env!("BUILD_COMMIT");

/// Both, for people.
pub const VERSION_AND_COMMIT: &str =
    concat!(env!("CARGO_PKG_VERSION"), " (commit ", env!("BUILD_COMMIT"), ")");
