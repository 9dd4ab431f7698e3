//! The simulator, on its way.
