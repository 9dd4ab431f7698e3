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

/// Reads four words of eight symbols at once, or `None` when a byte is not in the alphabet in
/// either case; look-alikes are not. Each word has 40 bits.
///
/// This computes what [`VALUES`] looks up, in loops without branches that the compiler turns
/// into operations on many bytes.
#[inline]
pub(crate) fn read_exact(symbols: &[u8; 32]) -> Option<[u64; 4]> {
    let mut values = [0; 32];
    let mut faults = [0; 32];
    for place in 0..symbols.len() {
        (values[place], faults[place]) = exact_value(symbols[place]);
    }
    if faults.iter().fold(0, |all, fault| all | fault) != 0 {
        return None;
    }
    let (words, _) = values.as_chunks::<8>();
    Some(std::array::from_fn(|word| squeeze(u64::from_be_bytes(words[word]))))
}

/// The value of a byte as a symbol, and not zero when it is none.
#[inline(always)]
fn exact_value(byte: u8) -> (u8, u8) {
    let digit = byte.wrapping_sub(b'0');
    let letter = (byte & !0x20).wrapping_sub(b'A');
    let is_digit = digit < 10;
    let [i, l, o, u] = [b'I' - b'A', b'L' - b'A', b'O' - b'A', b'U' - b'A'];
    // Letters count on from ten, and each letter left out moves those after it down by one.
    let left_out =
        u8::from(letter > i) + u8::from(letter > l) + u8::from(letter > o) + u8::from(letter > u);
    let letter_value = letter.wrapping_add(10).wrapping_sub(left_out);
    let no_letter = (letter >= 26) | (letter == i) | (letter == l) | (letter == o) | (letter == u);
    (if is_digit { digit } else { letter_value }, u8::from(!is_digit & no_letter))
}

/// Closes the gaps between eight five-bit values that have a byte each: 40 bits.
#[inline(always)]
const fn squeeze(values: u64) -> u64 {
    let tens = (values & 0xFF00_FF00_FF00_FF00) >> 3 | values & 0x00FF_00FF_00FF_00FF;
    let twenties = (tens & 0xFFFF_0000_FFFF_0000) >> 6 | tens & 0x0000_FFFF_0000_FFFF;
    twenties >> 32 << 20 | twenties & 0xFFFF_FFFF
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

    #[test]
    fn what_is_computed_agrees_with_what_is_looked_up() {
        for byte in 0..=u8::MAX {
            for place in 0..32 {
                let mut symbols = [b'0'; 32];
                symbols[place] = byte;
                let value = VALUES[usize::from(byte)];
                let exact = value != NO_SYMBOL && !b"OoIiLl".contains(&byte);
                let mut words = [0; 4];
                words[place / 8] = u64::from(value) << (5 * (7 - place % 8));
                assert_eq!(read_exact(&symbols), exact.then_some(words), "{byte} at {place}");
            }
        }
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
