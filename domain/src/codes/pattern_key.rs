//! The key that draws the codes of patterns. It must never know where keys come from, or which
//! codes were issued.

use std::fmt;

use aes::Aes256;
use aes::cipher::KeyInit;

use super::ff1::Ff1;
use super::{CampaignNumber, Pattern};

/// A 256-bit key that turns an index into a code of a pattern: a different one for each index, and
/// in an order that nobody can tell without the key.
///
/// Whoever has it can make exactly the codes that were issued under it, so `Debug` does not write
/// it, and it is overwritten when dropped.
#[derive(Clone)]
pub struct PatternKey(Aes256);

/// The codes of one campaign's pattern, by index. `Debug` does not write the key.
#[derive(Clone)]
pub struct PatternCodes {
    pattern: Pattern,
    possible: u128,
    permutation: Ff1,
}

/// The fewest numbers that FF1 may permute (SP 800-38G, revision 1).
const FEWEST: u128 = 1_000_000;

/// How many binary digits the numbers have that are permuted in place of fewer than [`FEWEST`].
const SMALL_BITS: u32 = 20;

impl PatternKey {
    /// A key of 32 random bytes. The caller overwrites its own copy.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(Aes256::new(key.into()))
    }

    /// The codes that a campaign's pattern has; `None` does not happen, since every pattern has
    /// fewer than 2^128 codes.
    pub fn codes(&self, campaign: CampaignNumber, pattern: &Pattern) -> Option<PatternCodes> {
        let possible = pattern.possible();
        let (radix, length) = match possible {
            FEWEST.. => (pattern.radix(), pattern.places()),
            _ => (2, SMALL_BITS),
        };
        let permutation = Ff1::new(self.0.clone(), radix, length, &campaign.0.to_be_bytes())?;
        Some(PatternCodes { pattern: pattern.clone(), possible, permutation })
    }
}

impl PatternCodes {
    /// The pattern.
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// Writes the code at an index over what the buffer held. The index must be below
    /// [`Pattern::possible`]; beyond it the codes begin again.
    pub fn write(&self, index: u64, code: &mut String) {
        let mut number = self.permutation.encipher(u128::from(index) % self.possible);
        // Where there are fewer codes than numbers: the next of the number's cycle that is a code's.
        while number >= self.possible {
            number = self.permutation.encipher(number);
        }
        let symbols = self.pattern.alphabet().as_bytes();
        let radix = u128::from(self.pattern.radix());
        let mut divisor = self.possible;
        let filled_in = self.pattern.text().chars().map(|character| {
            if character != Pattern::PLACE {
                return character;
            }
            divisor /= radix;
            let digit = (number / divisor % radix) as usize;
            symbols.get(digit).copied().map_or(character, char::from)
        });
        code.clear();
        code.extend(filled_in);
    }
}

impl fmt::Debug for PatternKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PatternKey(redacted)")
    }
}

impl fmt::Debug for PatternCodes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PatternCodes({})", self.pattern)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::codes::NormalisedCode;

    fn codes(text: &str, alphabet: &str, campaign: u32) -> PatternCodes {
        let pattern = Pattern::new(text, alphabet).unwrap();
        PatternKey::new(&[7; 32]).codes(CampaignNumber(campaign), &pattern).unwrap()
    }

    fn code(codes: &PatternCodes, index: u64) -> String {
        let mut code = String::from("what was there before");
        codes.write(index, &mut code);
        code
    }

    #[test]
    fn every_index_of_a_small_pattern_has_its_own_code() {
        let codes = codes("V-#.x#", "0123456789AB", 3);
        let all: HashSet<String> = (0..144).map(|index| code(&codes, index)).collect();
        assert_eq!(all.len(), 144);
        let fits = |code: &String| code.len() == 6 && code.starts_with("V-") && &code[3..5] == ".x";
        assert!(all.iter().all(fits));
    }

    #[test]
    fn campaigns_draw_in_other_orders() {
        let draw = |campaign| {
            let codes = codes("########", Pattern::USUAL_ALPHABET, campaign);
            (0..100).map(|index| code(&codes, index)).collect::<HashSet<_>>()
        };
        assert!(draw(1).is_disjoint(&draw(2)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn codes_fit_their_pattern_and_differ_as_listed_codes(
            text in "([A-Za-z]{1,3}[-_.]?)?#{4,8}[-_.#0-9]{0,4}#",
            campaign in any::<u32>(), first in 0..1_000_000_u64,
        ) {
            let codes = codes(&text, "ABCDEFGHJK23456789", campaign);
            let mut normalised = HashSet::new();
            for index in first..first + 50 {
                let code = code(&codes, index);
                prop_assert_eq!(code.len(), text.len());
                let fits = code.chars().zip(text.chars()).all(|(character, wanted)| {
                    wanted == '#' && "ABCDEFGHJK23456789".contains(character) || character == wanted
                });
                prop_assert!(fits);
                let code = NormalisedCode::parse(&code).unwrap();
                prop_assert!(normalised.insert(code.as_str().to_owned()), "a code came twice");
            }
        }
    }
}
