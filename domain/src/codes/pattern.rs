//! Patterns: texts with places that are filled in, such as `SUMMER-####-####`. This file must never
//! know a key, or which codes were issued.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::crockford::{NO_SYMBOL, VALUES};
use super::sealed_text::SYMBOLS;
use super::separator::is_separator;

/// What codes of a campaign look like: literal text with places (`#`), and the symbols that may
/// stand in the places. All codes of a pattern are different codes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct Pattern(Parts);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Parts {
    text: Box<str>,
    alphabet: Box<str>,
}

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusablePattern {
    /// It is empty, or has more than [`Pattern::LONGEST`] characters.
    #[error("must have 1 to {} characters", Pattern::LONGEST)]
    Length,
    /// A character is neither a place nor one that may stand in codes as it is.
    #[error("must consist of # and of ASCII letters, digits, dashes, underscores and full stops")]
    Character,
    /// It begins or ends with punctuation, which people leave out.
    #[error("must begin and end with a letter, a digit or #")]
    Edge,
    /// There is no place.
    #[error("must have at least one #, which stands for a symbol of the alphabet")]
    NoPlace,
    /// The alphabet is not one of 2 to 36 different letters and digits.
    #[error("must be 2 to 36 different digits and upper-case ASCII letters")]
    Alphabet,
    /// There would be 2^128 possible codes or more.
    #[error("has more # than it needs: there must be fewer than 2^128 possible codes")]
    TooManyCodes,
    /// Some of its codes would read as sealed codes.
    #[error(
        "has 28 symbols, as sealed codes have, and some of its codes would be read as such; use \
         fewer or more, or an underscore"
    )]
    SealedForm,
}

impl UnusablePattern {
    /// Whether it is about the alphabet, not about the text.
    pub fn is_about_alphabet(self) -> bool {
        self == Self::Alphabet
    }
}

impl Pattern {
    /// The most characters of a pattern.
    pub const LONGEST: usize = 64;

    /// What stands for a symbol of the alphabet.
    pub const PLACE: char = '#';

    /// The symbols of a pattern that names none: digits and upper-case letters without those that
    /// look alike, which are 0 and O, 1 and I.
    pub const USUAL_ALPHABET: &str = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

    /// The pattern with this text and these symbols.
    ///
    /// # Errors
    ///
    /// [`UnusablePattern`], the first that holds in the order of its variants.
    pub fn new(text: &str, alphabet: &str) -> Result<Self, UnusablePattern> {
        if !(1..=Self::LONGEST).contains(&text.chars().count()) {
            return Err(UnusablePattern::Length);
        }
        let is_word = |character: char| character.is_ascii_alphanumeric();
        let is_place = |character: char| character == Self::PLACE;
        let is_known = |character| {
            is_word(character) || is_place(character) || matches!(character, '-' | '_' | '.')
        };
        if !text.chars().all(is_known) {
            return Err(UnusablePattern::Character);
        }
        let is_edge = |character| is_word(character) || is_place(character);
        if !text.starts_with(is_edge) || !text.ends_with(is_edge) {
            return Err(UnusablePattern::Edge);
        }
        if !text.contains(is_place) {
            return Err(UnusablePattern::NoPlace);
        }
        if !is_alphabet(alphabet) {
            return Err(UnusablePattern::Alphabet);
        }
        let pattern = Self(Parts { text: text.into(), alphabet: alphabet.into() });
        if u128::from(pattern.radix()).checked_pow(pattern.places()).is_none() {
            return Err(UnusablePattern::TooManyCodes);
        }
        if may_be_sealed(text) {
            return Err(UnusablePattern::SealedForm);
        }
        Ok(pattern)
    }

    /// The text, with its places.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// The symbols that stand in places: the first for the digit 0, and so on.
    pub fn alphabet(&self) -> &str {
        &self.0.alphabet
    }

    /// How many symbols the alphabet has.
    pub(super) fn radix(&self) -> u32 {
        self.0.alphabet.len() as u32
    }

    /// How many places there are.
    pub(super) fn places(&self) -> u32 {
        self.0.text.chars().filter(|&character| character == Self::PLACE).count() as u32
    }

    /// How many codes are possible, at least 2.
    pub fn possible(&self) -> u128 {
        u128::from(self.radix()).saturating_pow(self.places())
    }

    /// How many characters, and bytes, each code has.
    pub fn length(&self) -> usize {
        self.0.text.len()
    }
}

impl TryFrom<Parts> for Pattern {
    type Error = UnusablePattern;

    fn try_from(parts: Parts) -> Result<Self, Self::Error> {
        Self::new(&parts.text, &parts.alphabet)
    }
}

impl From<Pattern> for Parts {
    fn from(pattern: Pattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.text())
    }
}

/// Whether these are 2 to 36 different symbols that stay different when codes are normalised.
fn is_alphabet(symbols: &str) -> bool {
    let mut sorted: Vec<u8> = symbols.bytes().collect();
    sorted.sort_unstable();
    sorted.len() >= 2
        && sorted.iter().all(|symbol| symbol.is_ascii_uppercase() || symbol.is_ascii_digit())
        && sorted.windows(2).all(|pair| pair.first() != pair.last())
}

/// Whether codes of this pattern could read as sealed codes, which no listed code may. Every
/// alphabet has symbols that stand in sealed codes, since only `U` does not.
fn may_be_sealed(text: &str) -> bool {
    let is_symbol = |character: char| {
        character == Pattern::PLACE
            || u8::try_from(character).is_ok_and(|byte| VALUES[usize::from(byte)] != NO_SYMBOL)
    };
    let mut symbols = text.chars().filter(|&character| !is_separator(character));
    symbols.clone().count() == SYMBOLS && symbols.all(is_symbol)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_that_are_used_are_accepted() {
        for (text, alphabet, possible) in [
            ("SUMMER-####-####", Pattern::USUAL_ALPHABET, 1 << 40),
            ("Summer_2026.#", "01", 2),
            ("#", "0123456789", 10),
            ("##-A-##", "ABC", 81),
            ("#########################", Pattern::USUAL_ALPHABET, 1 << 125),
        ] {
            let pattern = Pattern::new(text, alphabet).expect(text);
            assert_eq!((pattern.possible(), pattern.length()), (possible, text.len()));
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        use UnusablePattern as U;
        let long = "#".repeat(65);
        let usual = Pattern::USUAL_ALPHABET;
        for (text, alphabet, fault) in [
            ("", usual, U::Length),
            (&long, usual, U::Length),
            ("A ####", usual, U::Character),
            ("A,####", usual, U::Character),
            ("\u{c4}####", usual, U::Character),
            ("####\n", usual, U::Character),
            ("-####", usual, U::Edge),
            ("####.", usual, U::Edge),
            ("SUMMER", usual, U::NoPlace),
            ("A-####", "", U::Alphabet),
            ("A-####", "A", U::Alphabet),
            ("A-####", "AA", U::Alphabet),
            ("A-####", "Aa", U::Alphabet),
            ("A-####", "A#", U::Alphabet),
            ("A-####", "A-", U::Alphabet),
            ("A-####", "A\u{c4}", U::Alphabet),
            ("##########################", usual, U::TooManyCodes),
            ("SUMMER-####-####", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ0", U::Alphabet),
            ("SALE-2026-ABCDEFGH-########-####", "01", U::SealedForm),
            ("olil567-89ABCDEFGH-########-###", "01", U::SealedForm),
        ] {
            assert_eq!(Pattern::new(text, alphabet), Err(fault), "{text} {alphabet}");
        }
        for text in ["SUMMER-26-ABCDEFGH-########-####", "SAL_-2026-ABCDEFGH-########-####"] {
            assert!(Pattern::new(text, "01").is_ok(), "{text}");
        }
    }

    #[test]
    fn the_stored_form_is_checked() {
        let pattern = Pattern::new("A-####", "01").unwrap();
        let stored = postcard::to_stdvec(&pattern).unwrap();
        assert_eq!(stored, b"\x06A-####\x0201");
        assert_eq!(postcard::from_bytes::<Pattern>(&stored).unwrap(), pattern);
        assert!(postcard::from_bytes::<Pattern>(b"\x06A-####\x0200").is_err());
    }
}
