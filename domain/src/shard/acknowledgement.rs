//! What a command is told that leaves no record: a step of something larger.

/// A step's result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acknowledgement {}
