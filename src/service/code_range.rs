//! Consecutive codes of a campaign that were issued: made only when they are read.

use std::sync::Arc;

use redeemd_domain::codes::{
    CampaignNumber, CodeKey, NormalisedCode, PatternCodes, Pepper, SealedText, SealingKey, Serial,
};

/// Codes by their indices, not made yet. `Debug` does not write a key.
#[derive(Clone, Debug)]
pub struct CodeRange {
    source: Source,
    first: u64,
    count: u64,
}

/// What makes the codes.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// Sealed codes, whose indices are serials.
    Sealed {
        /// The campaign.
        campaign: CampaignNumber,
        /// What seals them.
        key: Box<SealingKey>,
    },
    /// Codes that a pattern draws.
    Pattern(Arc<Drawing>),
}

/// How the codes of a campaign's pattern are made.
#[derive(Clone, Debug)]
pub(super) struct Drawing {
    /// What draws them.
    pub(super) codes: PatternCodes,
    /// What digests them.
    pub(super) pepper: Pepper,
    /// The indices that are no codes of the campaign, in their order.
    pub(super) skipped: Vec<u64>,
}

impl CodeRange {
    /// So many codes from an index on, all of them issued.
    pub(super) fn new(source: Source, first: u64, count: u64) -> Self {
        Self { source, first, count }
    }

    /// The index of the first code within its campaign.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The index behind the last code, from which on the next ones are.
    pub fn next(&self) -> u64 {
        match &self.source {
            Source::Sealed { .. } => self.first + self.count,
            Source::Pattern(drawing) => drawing.end(self.first, self.count),
        }
    }

    /// How many codes are left.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How many bytes each code has.
    pub fn code_bytes(&self) -> usize {
        match &self.source {
            Source::Sealed { .. } => SealedText::LENGTH,
            Source::Pattern(drawing) => drawing.codes.pattern().length(),
        }
    }

    /// Takes up to `count` codes off the front.
    pub fn take(&mut self, count: u64) -> Self {
        let count = count.min(self.count);
        let taken = Self { count, ..self.clone() };
        self.first = taken.next();
        self.count -= count;
        taken
    }

    /// Makes the codes, in order. They need no escaping, neither in JSON nor in CSV.
    pub fn for_each(&self, mut visit: impl FnMut(&str)) {
        match &self.source {
            Source::Sealed { campaign, key } => {
                let first = Serial::new(self.first).unwrap_or_default();
                // The range was issued, so it ends where serials do at the latest.
                let _ = key.seal_each(*campaign, first, self.count, |code| visit(code.as_str()));
            }
            Source::Pattern(drawing) => {
                let mut code = String::with_capacity(self.code_bytes());
                for index in drawing.indices(self.first, self.count) {
                    drawing.codes.write(index, &mut code);
                    visit(&code);
                }
            }
        }
    }

    /// The keys under which the shards know the codes, in order.
    pub(super) fn keys(&self) -> Vec<CodeKey> {
        match &self.source {
            Source::Sealed { campaign, .. } => {
                let campaign = *campaign;
                let serials = (self.first..self.first + self.count).filter_map(Serial::new);
                serials.map(|serial| CodeKey::Sealed { campaign, serial }).collect()
            }
            Source::Pattern(drawing) => {
                let codes = self.normalised();
                codes.iter().map(|code| CodeKey::Listed(drawing.pepper.digest(code))).collect()
            }
        }
    }

    /// The codes of a pattern in the spelling that is digested, in order. Sealed codes have none.
    pub(super) fn normalised(&self) -> Vec<NormalisedCode> {
        let mut codes = Vec::new();
        // Every code of a pattern can be listed, or the pattern would have been refused.
        self.for_each(|code| codes.extend(NormalisedCode::parse(code)));
        codes
    }
}

impl Drawing {
    /// The indices of so many codes from an index on.
    fn indices(&self, first: u64, count: u64) -> impl Iterator<Item = u64> + '_ {
        let begin = self.skipped.partition_point(|&index| index < first);
        let mut skipped = self.skipped.iter().skip(begin).copied().peekable();
        let indices = (first..).filter(move |index| skipped.next_if_eq(index).is_none());
        indices.take(usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// The index behind so many codes from an index on.
    fn end(&self, first: u64, count: u64) -> u64 {
        let below = |end: u64| self.skipped.partition_point(|&index| index < end) as u64;
        let before = below(first);
        let mut end = first + count;
        loop {
            let further = first + count + (below(end) - before);
            if further == end {
                return end;
            }
            end = further;
        }
    }
}

#[cfg(test)]
mod tests {
    use redeemd_domain::codes::{Pattern, PatternKey};

    use super::*;

    fn range(skipped: &[u64], first: u64, count: u64) -> CodeRange {
        let pattern = Pattern::new("A-####", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ").unwrap();
        let codes = PatternKey::new(&[1; 32]).codes(CampaignNumber(1), &pattern).unwrap();
        let pepper = Pepper::new(&[2; 32]);
        let drawing = Drawing { codes, pepper, skipped: skipped.to_vec() };
        CodeRange::new(Source::Pattern(Arc::new(drawing)), first, count)
    }

    fn texts(range: &CodeRange) -> Vec<String> {
        let mut texts = Vec::new();
        range.for_each(|code| texts.push(code.to_owned()));
        texts
    }

    #[test]
    fn skipped_indices_are_left_out_however_the_range_is_cut() {
        let all = texts(&range(&[], 0, 20));
        let wanted: Vec<_> =
            [2, 5, 6, 10, 11, 12, 14].iter().map(|&index| all[index].clone()).collect();
        let skipped = [0, 1, 3, 4, 7, 8, 9, 13, 15];
        assert_eq!(texts(&range(&skipped, 2, 7)), wanted);
        for cut in 0..=7 {
            let mut rest = range(&skipped, 2, 7);
            let mut pieces = texts(&rest.take(cut));
            assert_eq!((pieces.len() as u64, rest.count()), (cut, 7 - cut));
            pieces.extend(texts(&rest.take(u64::MAX)));
            assert_eq!(pieces, wanted, "cut at {cut}");
            assert_eq!(rest.count(), 0);
        }
        assert_eq!(range(&skipped, 2, 7).keys().len(), 7);
    }
}
