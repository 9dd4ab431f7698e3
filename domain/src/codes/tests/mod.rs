//! Tests of codes as a whole.
