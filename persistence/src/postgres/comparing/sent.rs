//! Rows as their values are sent to the database, which is how they come back: two that are equal
//! here are equal in every column, whatever its type.

use std::error::Error as StdError;
use std::time::{Duration, SystemTime};

use bytes::BytesMut;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type};

use super::super::error::Error;
use super::super::rows::CopiedRow;

/// The bytes of a value; `None` where it is null.
pub(super) type Value = Option<Vec<u8>>;

/// The bytes of a row's values, in the order of its columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SentRow(pub(super) Vec<Value>);

impl SentRow {
    /// A row as it is sent.
    pub(super) fn of<R: CopiedRow>(row: &R) -> Result<Self, Error> {
        let kinds = R::COLUMNS.iter().map(|(_, kind)| kind);
        Ok(Self(
            row.values()
                .zip(kinds)
                .map(|(value, kind)| send(value, kind))
                .collect::<Result<_, _>>()?,
        ))
    }

    /// The first so many values of a row that came back.
    pub(super) fn read(row: &Row, columns: usize) -> Result<Self, Error> {
        let value = |place| Ok::<_, Error>(row.try_get::<_, Option<Raw>>(place)?.map(|raw| raw.0));
        Ok(Self((0..columns.min(row.len())).map(value).collect::<Result<_, _>>()?))
    }

    /// The value of a column.
    pub(super) fn value(&self, place: usize) -> Option<&[u8]> {
        self.0.get(place)?.as_deref()
    }

    /// The whole number in a column; 0 where there is none.
    pub(super) fn number(&self, place: usize) -> i64 {
        self.value(place).and_then(number).unwrap_or(0)
    }
}

/// A value as it is sent.
pub(super) fn send(value: &(dyn ToSql + Sync), kind: &Type) -> Result<Value, Error> {
    let mut bytes = BytesMut::new();
    match value.to_sql_checked(kind, &mut bytes) {
        Ok(IsNull::No) => Ok(Some(bytes.to_vec())),
        Ok(IsNull::Yes) => Ok(None),
        Err(error) => Err(Error::Foreign(format!("a value cannot be sent: {error}"))),
    }
}

/// A whole number of any width.
pub(super) fn number(bytes: &[u8]) -> Option<i64> {
    match *bytes {
        [a, b] => Some(i16::from_be_bytes([a, b]).into()),
        [a, b, c, d] => Some(i32::from_be_bytes([a, b, c, d]).into()),
        _ => Some(i64::from_be_bytes(bytes.try_into().ok()?)),
    }
}

/// From 1970 to 2000, where PostgreSQL's times begin, in microseconds.
const EPOCH: i64 = 946_684_800_000_000;

/// A time, in microseconds since 1970. The ends of time stay what they are.
pub(super) fn microseconds(bytes: &[u8]) -> Option<i64> {
    number(bytes).map(|since_2000| since_2000.saturating_add(EPOCH))
}

/// A time; 1970 where it is earlier or none.
pub(super) fn system_time(bytes: &[u8]) -> SystemTime {
    let since = u64::try_from(microseconds(bytes).unwrap_or(0)).unwrap_or(0);
    SystemTime::UNIX_EPOCH
        .checked_add(Duration::from_micros(since))
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

/// A value of any type, as it comes.
struct Raw(Vec<u8>);

impl<'a> FromSql<'a> for Raw {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self(raw.to_vec()))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
