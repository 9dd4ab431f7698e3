//! Crockford's base32 (<https://www.crockford.com/base32.html>) as sealed codes use it, without
//! his check symbol. It must never know what the symbols carry.

/// The 32 symbols in the order of their values: no I, L, O, which look like digits, and no U.
pub(crate) const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// How many bits a symbol carries.
const SYMBOL_BITS: u32 = 5;

/// What [`VALUES`] holds for a byte that is no symbol. Every value of a symbol is below 32, so
/// this stays visible when values are combined by or.
pub(crate) const NO_SYMBOL: u8 = 0xFF;

/// The value of each byte as a symbol, as people type it: lower case counts as upper case, O as
/// 0, I and L as 1.
pub(crate) static VALUES: [u8; 256] = values();

/// The two symbols of every ten-bit number; half as many look-ups as symbol by symbol.
static PAIRS: [[u8; 2]; 1024] = pairs();

/// Writes the lowest `5 × LENGTH` bits of `number` as symbols, highest first. `LENGTH` is even.
#[inline]
pub(crate) fn write<const LENGTH: usize>(number: u64) -> [u8; LENGTH] {
    let mut text = [0; LENGTH];
    let (places, _) = text.as_chunks_mut::<2>();
    let mut rest = number;
    for place in places.iter_mut().rev() {
        *place = PAIRS[rest as usize % PAIRS.len()];
        rest >>= 2 * SYMBOL_BITS;
    }
    text
}

/// Combines the values of at most twelve symbols, highest first, to one number.
#[inline]
pub(crate) fn combine(values: impl IntoIterator<Item = u8>) -> u64 {
    values.into_iter().fold(0, |number, value| number << SYMBOL_BITS | u64::from(value))
}

const fn values() -> [u8; 256] {
    let mut values = [NO_SYMBOL; 256];
    let mut value = 0;
    while value < ALPHABET.len() {
        let symbol = ALPHABET[value];
        values[symbol as usize] = value as u8;
        values[symbol.to_ascii_lowercase() as usize] = value as u8;
        value += 1;
    }
    let look_alikes = [(b'O', 0), (b'I', 1), (b'L', 1)];
    let mut place = 0;
    while place < look_alikes.len() {
        let (look_alike, value) = look_alikes[place];
        values[look_alike as usize] = value;
        values[look_alike.to_ascii_lowercase() as usize] = value;
        place += 1;
    }
    values
}

const fn pairs() -> [[u8; 2]; 1024] {
    let mut pairs = [[0; 2]; 1024];
    let mut number = 0;
    while number < pairs.len() {
        pairs[number] = [ALPHABET[number / 32], ALPHABET[number % 32]];
        number += 1;
    }
    pairs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value_of(symbol: char) -> u8 {
        VALUES[symbol as usize]
    }

    #[test]
    fn every_byte_has_the_value_that_people_mean() {
        for (value, &symbol) in ALPHABET.iter().enumerate() {
            assert_eq!(usize::from(VALUES[usize::from(symbol)]), value);
            assert_eq!(usize::from(VALUES[usize::from(symbol.to_ascii_lowercase())]), value);
        }
        assert_eq!("OoIiLl".chars().map(value_of).collect::<Vec<_>>(), [0, 0, 1, 1, 1, 1]);
        let readable = VALUES.iter().filter(|&&value| value != NO_SYMBOL).count();
        assert_eq!(readable, 10 + 22 * 2 + 6, "digits, letters in both cases, look-alikes");
        assert!("Uu -\0".chars().all(|character| value_of(character) == NO_SYMBOL));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(number in 0_u64..1 << 60) {
            let text = write::<12>(number);
            let read = combine(text.map(|symbol| VALUES[usize::from(symbol)]));
            prop_assert_eq!(read, number);
        }
    }
}
