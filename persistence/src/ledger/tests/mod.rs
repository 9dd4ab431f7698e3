//! Tests of the ledger as a whole, against a naive model and on a simulated disk.

mod cuts;
mod damage;
mod full_disk;
mod histories;
mod model;
mod power_cuts;
mod words;
