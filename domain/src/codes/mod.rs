//! Codes: what a person types in, and the keys under which the state machine knows them.
