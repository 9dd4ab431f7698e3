//! The projection: a copy of the ledger's outcomes in PostgreSQL, for reports and questions.
//!
//! It decides nothing. What it writes it writes together with how far it has come, in one
//! transaction that is carried out only if the database is where the writer believes it to be; so a
//! batch that is sent twice, or by somebody else, changes nothing.
//!
//! Everything that goes over a connection fits a pooler in transaction mode: no named statement
//! outlives its transaction, nothing is set for a session, no lock is held beyond a transaction.

mod aside;
mod chain;
mod changing;
mod comparing;
mod connection;
mod copying;
mod error;
mod migration;
mod note;
mod options;
mod ownership;
mod partition;
mod pool;
mod presence;
mod projection;
mod rebuilding;
mod rendering;
mod replica;
mod rows;

#[cfg(test)]
mod tests;

pub use aside::{Retried, SetAside, Shown};
pub use chain::{Chain, Checkpoint};
pub use comparing::{
    Columns, Comparer, Counted, Counts, Difference, KeptOutcome, Mark, Rendered, Rendering,
    ShownValue, Span,
};
pub use error::{Error, Kind};
pub use migration::{MIGRATIONS, Migration, pending_sql};
pub use note::Note;
pub use options::{Options, WrongOptions};
pub use ownership::Owner;
pub use presence::{PRESENCE_INTERVAL, PRESENCE_LASTS};
pub use projection::{Batch, Migrated, Projection, Survey};
pub use rebuilding::Possession;
pub use rendering::Renderer;
pub use replica::Standing;
pub use rows::Rows;
