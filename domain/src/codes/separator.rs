//! The characters that a reader of codes passes over. It must never know which kind of code is
//! being read.

/// Whether people write this character only to set parts of a code apart: spaces and dashes,
/// also those that word processors put in their place.
///
/// The set is part of the format of listed codes, so it is written out here rather than taken
/// from a Unicode property, which may grow.
pub(crate) const fn is_separator(character: char) -> bool {
    matches!(
        character,
        ' ' | '-'
            | '\u{00A0}'
            | '\u{2000}'..='\u{200A}'
            | '\u{2010}'..='\u{2015}'
            | '\u{202F}'
            | '\u{205F}'
            | '\u{2212}'
            | '\u{3000}'
    )
}
