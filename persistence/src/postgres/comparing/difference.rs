//! What is told of a row that is not as it was written.

use redeemd_domain::sequence::{Position, SequenceId};
use tokio_postgres::types::Type;

use super::sent::{SentRow, Value, microseconds, number};
use super::tables::ComparedRow;

/// A value as it can be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShownValue {
    /// There is none.
    Null,
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
    /// Bytes, such as a digest.
    Bytes(Vec<u8>),
    /// A time, in microseconds since 1970.
    Time(i64),
}

/// The values of some columns. Of a row that stands alone, those that are null are left out.
pub type Columns = Vec<(&'static str, ShownValue)>;

/// A row that is missing, that should not be there, or that is otherwise than it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its table.
    pub table: &'static str,
    /// The entry that it is of, where it says so.
    pub position: Option<Position>,
    /// Its own name in the table, where it has one.
    pub name: String,
    /// What it has to say, as far as that is something else; `None` where there should be no row.
    pub written: Option<Columns>,
    /// What it says, as far as that is something else; `None` where there is no row.
    pub found: Option<Columns>,
}

impl Difference {
    /// One about a row of a table with columns of its own. Of two rows only what differs is told.
    pub(super) fn of<R: ComparedRow>(written: Option<&SentRow>, found: Option<&SentRow>) -> Self {
        let columns = R::all_columns();
        let either = written.or(found);
        let place_of = |wanted: &str| columns.iter().position(|(name, _)| *name == wanted);
        let position = either.and_then(|row| {
            let sequence = row.number(place_of("sequence")?);
            let number = row.number(place_of("entry")?).unsigned_abs();
            Some(Position { sequence: SequenceId(u16::try_from(sequence).ok()?), number })
        });
        let name = either.and_then(|row| {
            let (place, (_, kind)) =
                columns.iter().enumerate().find(|(_, (name, _))| *name == R::NAME)?;
            Some(shown(row.value(place), kind).to_string())
        });
        let is_told = |place: usize| match (written, found) {
            (Some(written), Some(found)) => written.value(place) != found.value(place),
            _ => either.is_some_and(|row| row.value(place).is_some()),
        };
        let told = |row: &SentRow| {
            let values = row.0.iter().zip(&columns).enumerate();
            let values = values.filter(|(place, _)| is_told(*place));
            values
                .map(|(_, (value, (name, kind)))| (*name, shown(value.as_deref(), kind)))
                .collect()
        };
        Self {
            table: R::TABLE,
            position,
            name: name.unwrap_or_default(),
            written: written.map(told),
            found: found.map(told),
        }
    }

    /// One about some columns of a row, of which only what differs is told.
    pub(super) fn of_columns(
        table: &'static str,
        position: Option<Position>,
        name: String,
        columns: &[(&'static str, Type)],
        (written, found): (&[Value], &[Value]),
    ) -> Self {
        let told = |own: &[Value], other: &[Value]| {
            let values = columns.iter().zip(own.iter().zip(other));
            let values = values.filter(|(_, (own, other))| own != other);
            values.map(|((name, kind), (own, _))| (*name, shown(own.as_deref(), kind))).collect()
        };
        let (told_written, told_found) = (told(written, found), told(found, written));
        Self { table, position, name, written: Some(told_written), found: Some(told_found) }
    }

    /// One about a row of which no more is told than that it is there or is not.
    pub(super) fn bare(table: &'static str, position: Position, is_there: bool) -> Self {
        let (written, found) =
            if is_there { (None, Some(Vec::new())) } else { (Some(Vec::new()), None) };
        Self { table, position: Some(position), name: String::new(), written, found }
    }
}

fn shown(value: Option<&[u8]>, kind: &Type) -> ShownValue {
    let Some(value) = value else { return ShownValue::Null };
    match *kind {
        Type::TEXT => ShownValue::Text(String::from_utf8_lossy(value).into_owned()),
        Type::BYTEA => ShownValue::Bytes(value.to_vec()),
        Type::TIMESTAMPTZ => ShownValue::Time(microseconds(value).unwrap_or(0)),
        _ => ShownValue::Number(number(value).unwrap_or(0)),
    }
}

impl std::fmt::Display for ShownValue {
    /// As people read it, but for times, which are left to whoever can write them better.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Null => formatter.write_str("null"),
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Text(text) => formatter.write_str(text),
            Self::Bytes(bytes) => bytes.iter().try_for_each(|byte| write!(formatter, "{byte:02x}")),
            Self::Time(microseconds) => write!(formatter, "{microseconds} us"),
        }
    }
}
