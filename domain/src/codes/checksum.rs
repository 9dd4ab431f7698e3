//! The 12-bit checksum that lets a typing error be seen without a key. It must never know what
//! the bytes mean.

/// The polynomial x^12 + x^11 + x^3 + x^2 + x + 1 without its highest term, as in CRC-12/DECT.
const POLYNOMIAL: u16 = 0x80F;

/// The bits of a checksum.
const MASK: u16 = 0xFFF;

/// For each place among sixteen bytes, what each value of that byte adds to the checksum.
///
/// The initial value is zero, so the checksum is linear: the checksum of a block is the sum
/// (exclusive or) of what its bytes add, in any order and all at once. Stepping byte by byte
/// would wait for the step before.
static CONTRIBUTIONS: [[u16; 256]; 16] = contributions();

/// CRC-12 of sixteen bytes, given as the big-endian number that they are: polynomial 0x80F, initial value 0, highest bit first (not reflected),
/// no final exclusive or. This is the CRC-12/DECT of the published catalogues, whose check value
/// over `123456789` is 0xF5B. Below 4,096.
#[inline]
pub(crate) fn checksum(block: u128) -> u16 {
    // A number stays in registers, where an array of bytes would be taken apart and rebuilt.
    CONTRIBUTIONS.iter().enumerate().fold(0, |sum, (place, contributions)| {
        let byte = (block >> (8 * (15 - place))) as u8;
        sum ^ contributions[usize::from(byte)]
    })
}

/// The checksum after one more byte.
const fn step(checksum: u16, byte: u8) -> u16 {
    let mut checksum = checksum ^ ((byte as u16) << 4);
    let mut bit = 0;
    while bit < 8 {
        let leaving = checksum >> 11 & 1;
        checksum = (checksum << 1 & MASK) ^ (leaving * POLYNOMIAL);
        bit += 1;
    }
    checksum
}

const fn contributions() -> [[u16; 256]; 16] {
    let mut table = [[0; 256]; 16];
    let mut value = 0;
    while value < 256 {
        let mut place = 16;
        let mut checksum = step(0, value as u8);
        while place > 0 {
            place -= 1;
            table[place][value] = checksum;
            checksum = step(checksum, 0);
        }
        value += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stepwise(bytes: &[u8]) -> u16 {
        bytes.iter().fold(0, |checksum, &byte| step(checksum, byte))
    }

    #[test]
    fn the_check_value_of_the_catalogues() {
        assert_eq!(stepwise(b"123456789"), 0xF5B);
        // Leading zeros change nothing, since the initial value is zero.
        assert_eq!(checksum(u128::from_be_bytes(*b"\0\0\0\0\0\0\x00123456789")), 0xF5B);
    }

    proptest! {
        #[test]
        fn the_table_agrees_with_the_definition(bytes in any::<[u8; 16]>()) {
            prop_assert_eq!(checksum(u128::from_be_bytes(bytes)), stepwise(&bytes));
        }
    }
}
