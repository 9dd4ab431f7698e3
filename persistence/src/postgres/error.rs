//! What can go wrong with PostgreSQL, and what is to be done about it.

use std::error::Error as _;
use std::io;

use rustls::CertificateError as Reason;
use rustls::Error::InvalidCertificate;
use tokio_postgres::error::SqlState;

/// What the driver says where the server has no TLS. It has no kind of error that one could ask for.
const NO_TLS: &str = "server does not support TLS";

/// What went wrong. None of the texts holds a password or a row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no connection, or it was lost or too slow. Whether the last transaction was carried
    /// out is not known.
    #[error("{0}")]
    Away(String),
    /// No connection was made, since one side does not accept what the other one showed of itself, or
    /// the server has no TLS. Nothing was sent.
    #[error("TLS: {0}")]
    Tls(String),
    /// The database refused rows for what is in them.
    #[error("{sql_state}: {message}")]
    Content {
        /// The SQLSTATE.
        sql_state: String,
        /// What the database said.
        message: String,
    },
    /// The database refused for another reason, which waiting does not change.
    #[error("{sql_state}: {message}")]
    Refused {
        /// The SQLSTATE.
        sql_state: String,
        /// What the database said.
        message: String,
    },
    /// What is in the database is not what this directory wrote.
    #[error("{0}")]
    Foreign(String),
    /// Its tables were made by a newer redeemd.
    #[error(
        "the database has schema version {found}, and this redeemd knows versions up to {known}; \
         start the newer redeemd"
    )]
    Newer {
        /// What it has.
        found: i64,
        /// What is known.
        known: i64,
    },
    /// Its tables are not there or older, and may not be made by the server.
    #[error(
        "the database has schema version {found}, and version {wanted} is needed; run \
         `redeemd postgres migrate`"
    )]
    NotMigrated {
        /// What it has; 0 where there is nothing.
        found: i64,
        /// What is needed.
        wanted: i64,
    },
    /// The database stood elsewhere than the writer believed; nothing was written.
    #[error("{0}")]
    Moved(String),
    /// A partition is gone that was there; nothing was written. It is made anew at the next attempt.
    #[error("{0}")]
    NoPartition(String),
}

/// What is to be done about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Try again later, having looked how far the database is.
    Away,
    /// Find the row that is to blame and set it aside.
    Content,
    /// Say so, and look again now and then whether somebody has changed it.
    Stopped,
}

impl Error {
    /// What is to be done about it.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Away(_) | Self::Moved(_) | Self::NoPartition(_) => Kind::Away,
            Self::Content { .. } => Kind::Content,
            Self::Tls(_)
            | Self::Refused { .. }
            | Self::Foreign(_)
            | Self::Newer { .. }
            | Self::NotMigrated { .. } => Kind::Stopped,
        }
    }

    /// What went wrong where a connection was to be made.
    pub(super) fn of_connecting(error: tokio_postgres::Error) -> Self {
        said_by_tls(&error).map_or_else(|| error.into(), Self::Tls)
    }

    /// The same error where no row is to blame, since none was sent.
    pub(super) fn of_no_row(self) -> Self {
        match self {
            Self::Content { sql_state, message } => Self::Refused { sql_state, message },
            other => other,
        }
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(database) = error.as_db_error() else { return Self::Away(chain_of(&error)) };
        let sql_state = database.code().code().to_owned();
        let message = database.message().to_owned();
        // The same SQLSTATE as a check that a row fails, but no row is to blame.
        if *database.code() == SqlState::CHECK_VIOLATION && database.constraint().is_none() {
            return Self::NoPartition(format!("{sql_state}: {message}"));
        }
        match class_of(database.code()) {
            Kind::Away => Self::Away(format!("{sql_state}: {message}")),
            Kind::Content => Self::Content { sql_state, message },
            Kind::Stopped => Self::Refused { sql_state, message },
        }
    }
}

/// Everything that is not known to be about rows, or to be for ever, is tried again.
fn class_of(state: &SqlState) -> Kind {
    let code = state.code();
    match code.get(..2).unwrap_or_default() {
        // Data exceptions, violated constraints, program limits such as an index row's size, what a
        // trigger raised, failed checks of views.
        "22" | "23" | "44" | "54" | "P0" => Kind::Content,
        // Unknown or forbidden names, wrong passwords, unknown databases and schemas.
        "28" | "3D" | "3F" | "42" => Kind::Stopped,
        // Among others: a database that takes only questions, as a replica does.
        "25" if code == "25006" => Kind::Stopped,
        _ => Kind::Away,
    }
}

/// What TLS said, where it was TLS that failed and not the network under it.
fn said_by_tls(error: &tokio_postgres::Error) -> Option<String> {
    let cause = error.source()?;
    let text = match cause.downcast_ref::<io::Error>() {
        Some(error) => words_of(error.get_ref()?.downcast_ref::<rustls::Error>()?),
        None => Some(cause.to_string()).filter(|text| text == NO_TLS)?,
    };
    Some(text)
}

/// The words of an error of TLS, without the moment at which it happened: the same trouble is to be
/// known as the same.
fn words_of(error: &rustls::Error) -> String {
    match error {
        InvalidCertificate(Reason::ExpiredContext { .. }) => InvalidCertificate(Reason::Expired),
        InvalidCertificate(Reason::NotValidYetContext { .. }) => {
            InvalidCertificate(Reason::NotValidYet)
        }
        other => other.clone(),
    }
    .to_string()
}

/// An error and its causes in one line.
fn chain_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let said = next.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = next.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_database_says_is_about_rows_or_for_ever_or_will_pass() {
        for (codes, kind) in [
            // Text and numbers that do not fit, constraints, what a trigger raised.
            ("22001 22003 22021 23502 23505 23514 44000 54000 P0001", Kind::Content),
            // Passwords, rights, names that nobody knows, a database that takes only questions.
            ("28000 28P01 3D000 3F000 42501 42P01 42703 25006", Kind::Stopped),
            // Lost connections, deadlocks, too many clients, somebody who ends it.
            ("08006 08P01 25P03 40001 40P01 53300 55P03 57014 57P01", Kind::Away),
            // No room, a server that stops or starts, a failed disk, what nobody has heard of.
            ("53100 53200 57P02 57P03 58030 XX000 ZZ999", Kind::Away),
        ] {
            for code in codes.split(' ') {
                assert_eq!(class_of(&SqlState::from_code(code)), kind, "{code}");
            }
        }
    }
}
