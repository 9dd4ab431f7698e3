//! The schema's versions: forward only, each once, in the order of their numbers.

use tokio_postgres::Transaction;
use tokio_postgres::types::Type;

use super::error::Error;

/// One step from a version of the schema to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migration {
    /// The version that the schema has afterwards.
    pub version: i64,
    /// What it is about.
    pub name: &'static str,
    /// What is carried out.
    pub sql: &'static str,
}

/// Those of this redeemd. What was released is never changed; a change is a new one at the end.
pub const MIGRATIONS: &[Migration] =
    &[Migration { version: 1, name: "first", sql: include_str!("migrations/0001_first.sql") }];

/// What stands before the first version: where versions are noted.
const PREPARATION: &str = "CREATE SCHEMA IF NOT EXISTS redeemd;
CREATE TABLE IF NOT EXISTS redeemd.migrations (
    version bigint PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON SCHEMA redeemd IS 'What a redeemd server has written of its outcomes. The server only writes here; nothing that is changed here changes anything there.';
COMMENT ON TABLE redeemd.migrations IS 'The versions of this schema that were applied.';
COMMENT ON COLUMN redeemd.migrations.version IS 'The version.';
COMMENT ON COLUMN redeemd.migrations.name IS 'What it is about.';
COMMENT ON COLUMN redeemd.migrations.applied_at IS 'When it was applied.';
";

/// Whoever migrates holds this lock until the end of the transaction, so that it holds behind a
/// pooler, too. The number is `redeemd` and 1 in ASCII.
const LOCK: &str = "SELECT pg_advisory_xact_lock(8243105079627703297)";

/// The version that a schema has after all of some migrations.
pub(super) fn newest(migrations: &[Migration]) -> i64 {
    migrations.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// What of some migrations has to be carried out on a schema of a version.
fn pending(migrations: &[Migration], found: i64) -> impl Iterator<Item = &Migration> {
    migrations.iter().filter(move |migration| migration.version > found)
}

/// The SQL that brings a schema of a version to the newest one, as the server carries it out: for
/// reading, or for carrying out by hand. Empty where there is nothing to do.
pub fn pending_sql(migrations: &[Migration], found: i64) -> String {
    let mut sql = String::new();
    for migration in pending(migrations, found) {
        let Migration { version, name, sql: step } = migration;
        if sql.is_empty() {
            sql = format!("BEGIN;\n{LOCK};\n{PREPARATION}");
        }
        sql = format!("{sql}\n-- version {version}: {name}\n{step}{}", note(migration));
    }
    if sql.is_empty() { sql } else { format!("{sql}COMMIT;\n") }
}

/// The version that the database's schema has; 0 where there is none.
pub(super) async fn version(transaction: &Transaction<'_>) -> Result<i64, Error> {
    let exists = "SELECT to_regclass('redeemd.migrations') IS NOT NULL";
    let exists: bool = transaction.query_typed_one(exists, &[]).await?.try_get(0)?;
    if !exists {
        return Ok(0);
    }
    let version = "SELECT coalesce(max(version), 0) FROM redeemd.migrations";
    Ok(transaction.query_typed_one(version, &[]).await?.try_get(0)?)
}

/// Insists that the schema has the version of this redeemd.
pub(super) async fn check(transaction: &Transaction<'_>) -> Result<(), Error> {
    let (found, wanted) = (version(transaction).await?, newest(MIGRATIONS));
    match found {
        found if found > wanted => Err(Error::Newer { found, known: wanted }),
        found if found < wanted => Err(Error::NotMigrated { found, wanted }),
        _ => Ok(()),
    }
}

/// Applies what is missing of some migrations, and gives the version that was found. Whoever comes second waits, and
/// finds nothing left to do.
pub(super) async fn apply(
    transaction: &Transaction<'_>,
    migrations: &[Migration],
) -> Result<i64, Error> {
    transaction.batch_execute(LOCK).await?;
    let (found, known) = (version(transaction).await?, newest(migrations));
    if found > known {
        return Err(Error::Newer { found, known });
    }
    if found == 0 {
        transaction.batch_execute(PREPARATION).await?;
    }
    for migration in pending(migrations, found) {
        transaction.batch_execute(migration.sql).await?;
        let Migration { version, name, .. } = migration;
        let insert = "INSERT INTO redeemd.migrations (version, name) VALUES ($1, $2)";
        transaction.execute_typed(insert, &[(version, Type::INT8), (name, Type::TEXT)]).await?;
    }
    Ok(found)
}

/// What notes that a migration was applied. Names are ours and need no quoting.
fn note(Migration { version, name, .. }: &Migration) -> String {
    format!("INSERT INTO redeemd.migrations (version, name) VALUES ({version}, '{name}');\n")
}
