//! Times as clients see them: RFC 3339 in UTC with milliseconds.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use redeemd_domain::timestamp::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The first moment of the year 10000, in seconds: what four digits for a year cannot say.
const END_SECONDS: i64 = 253_402_300_800;

/// Shows a time.
#[derive(Clone, Copy, Debug)]
pub struct TimeText(pub Timestamp);

impl fmt::Display for TimeText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.0.milliseconds();
        let seconds = i64::try_from(milliseconds / 1000).unwrap_or(i64::MAX).min(END_SECONDS - 1);
        let time = OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| fmt::Error)?;
        let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
        let (hour, minute, second) = (time.hour(), time.minute(), time.second());
        let millisecond = milliseconds % 1000;
        write!(
            formatter,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z"
        )
    }
}

/// What this machine's clock shows: for saying when, and for looking things up. What depends on the
/// time is judged by the time of an entry.
pub(super) fn now() -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(now.as_millis()).unwrap_or_default())
}

/// Reads a time with any offset; parts of a millisecond are cut off. `None` before 1970.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    let milliseconds = time.unix_timestamp_nanos().div_euclid(1_000_000);
    u64::try_from(milliseconds).ok().map(Timestamp).filter(|&time| time <= Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_read_and_shown() {
        for (read, shown) in [
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
            ("2026-11-21T04:02:11.0429Z", "2026-11-21T04:02:11.042Z"),
            ("2026-11-21T05:02:11+01:00", "2026-11-21T04:02:11.000Z"),
            ("2024-02-29T23:59:59.999Z", "2024-02-29T23:59:59.999Z"),
            ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(TimeText(parse(read).unwrap()).to_string(), shown);
        }
        for other in ["", "2026-11-21", "1969-12-31T23:59:59Z", "2025-02-29T00:00:00Z", "now"] {
            assert_eq!(parse(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(time in 0..END_SECONDS as u64 * 1000) {
            let time = Timestamp(time);
            prop_assert_eq!(parse(&TimeText(time).to_string()), Some(time));
        }
    }
}
