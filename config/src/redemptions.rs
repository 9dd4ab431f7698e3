//! The `[redemptions]` section: what becomes of redemptions.

use crate::reader::Reader;

/// Bounds of rollbacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redemptions {
    /// How long ago a redemption may be that is rolled back, in days, 0 to 36,500.
    pub rollback_max_age_days: u32,
}

impl Redemptions {
    pub(crate) fn read(reader: &mut Reader) -> Self {
        let fallback = Self::default().rollback_max_age_days;
        let key = "redemptions.rollback_max_age_days";
        Self { rollback_max_age_days: reader.integer(key, 0..=36_500, fallback) }
    }
}

impl Default for Redemptions {
    fn default() -> Self {
        Self { rollback_max_age_days: 90 }
    }
}
