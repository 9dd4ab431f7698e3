//! What the projector decides, and what it reads.

mod deciding;
mod reading;
