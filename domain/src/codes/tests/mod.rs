//! Tests of codes as a whole: properties, and the test vectors of `docs/CODES.md`.

mod properties;
mod vectors;
