//! redeemd.
