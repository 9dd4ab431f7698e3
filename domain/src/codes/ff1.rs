//! FF1, the format-preserving cipher of NIST SP 800-38G, under AES-256: a keyed permutation of the
//! numbers below radix^length. It must never know what the numbers stand for.

use aes::cipher::BlockCipherEncrypt;
use aes::{Aes256, Block};

/// FF1 with one key, one radix, one length and one tweak. Everything that is the same in every
/// round of every number was computed in advance, so a round costs one block of AES.
#[derive(Clone)]
pub(super) struct Ff1 {
    cipher: Aes256,
    /// radix^u and radix^v, where u and v digits are the two halves of a number.
    moduli: [u128; 2],
    /// How many bytes the standard writes the lower half with (`b`).
    half_bytes: u32,
    /// How many bits of a round's output the standard does not use (`d` counts those that it does).
    unused_bits: u32,
    /// The cipher chain behind the first block and all whole blocks of the tweak.
    chain: u128,
    /// What of the last block is the same in every round: the rest of the tweak.
    last_block: u128,
}

/// How often the halves are mixed.
const ROUNDS: u8 = 10;

/// The bits of a block of AES.
const BLOCK_BITS: u32 = 128;

impl Ff1 {
    /// The permutation of numbers with `length` digits in base `radix`; `None` unless the radix is
    /// from 2 to 65,536, there are at least two digits, and fewer than 2^128 such numbers.
    ///
    /// The standard also asks for at least a million numbers, which is for the caller to see to.
    pub(super) fn new(cipher: Aes256, radix: u32, length: u32, tweak: &[u8]) -> Option<Self> {
        if !(2..=1 << 16).contains(&radix) || length < 2 {
            return None;
        }
        u128::from(radix).checked_pow(length)?;
        let upper = length / 2;
        let moduli = [upper, length - upper].map(|digits| u128::from(radix).pow(digits));
        let half_bytes = (BLOCK_BITS - (moduli[1] - 1).leading_zeros()).div_ceil(8);
        // Halves are below 2^72, so `d` is 16 at most and one block of output is enough.
        let used_bytes = 4 * half_bytes.div_ceil(4) + 4;

        let mut chain = encipher(&cipher, first_block(radix, length, upper, tweak.len()));
        // The tweak stands before as many zeros as make the whole end with a block's end.
        let tail = half_bytes as usize + 1;
        let mut padded = tweak.to_vec();
        padded.resize((tweak.len() + tail).next_multiple_of(16) - tail, 0);
        let whole = padded.chunks_exact(16);
        let last_block = big_endian(whole.remainder());
        for block in whole {
            chain = encipher(&cipher, chain ^ big_endian(block));
        }
        let unused_bits = BLOCK_BITS - 8 * used_bytes;
        Some(Self { cipher, moduli, half_bytes, unused_bits, chain, last_block })
    }

    /// Where the permutation takes a number, which must be below radix^length.
    pub(super) fn encipher(&self, number: u128) -> u128 {
        let [upper_modulus, lower_modulus] = self.moduli;
        let (mut upper, mut lower) = (number / lower_modulus, number % lower_modulus);
        for round in 0..ROUNDS {
            let modulus = if round % 2 == 0 { upper_modulus } else { lower_modulus };
            let numbered = u128::from(round) << (8 * self.half_bytes) | lower;
            let output = encipher(&self.cipher, self.chain ^ self.last_block ^ numbered);
            let mixed = (upper + (output >> self.unused_bits) % modulus) % modulus;
            (upper, lower) = (lower, mixed);
        }
        upper * lower_modulus + lower
    }
}

/// The block that tells every kind of use apart (`P` in the standard).
fn first_block(radix: u32, length: u32, upper: u32, tweak_bytes: usize) -> u128 {
    let [_, radix @ ..] = radix.to_be_bytes();
    let [n0, n1, n2, n3] = length.to_be_bytes();
    let [t0, t1, t2, t3] = (tweak_bytes as u32).to_be_bytes();
    let upper = upper as u8;
    let bytes =
        [1, 2, 1, radix[0], radix[1], radix[2], ROUNDS, upper, n0, n1, n2, n3, t0, t1, t2, t3];
    u128::from_be_bytes(bytes)
}

/// Up to sixteen bytes as the beginning of a block.
fn big_endian(bytes: &[u8]) -> u128 {
    let mut block = [0; 16];
    block.iter_mut().zip(bytes).for_each(|(place, &byte)| *place = byte);
    u128::from_be_bytes(block)
}

#[inline]
fn encipher(cipher: &Aes256, block: u128) -> u128 {
    let mut block = Block::from(block.to_be_bytes());
    cipher.encrypt_block(&mut block);
    u128::from_be_bytes(block.into())
}

#[cfg(test)]
mod tests {
    use aes::cipher::KeyInit;

    use super::*;

    /// The key of NIST's samples for AES-256.
    const KEY: [u8; 32] = [
        0x2B, 0x7E, 0x15, 0x16, 0x28, 0xAE, 0xD2, 0xA6, 0xAB, 0xF7, 0x15, 0x88, 0x09, 0xCF, 0x4F,
        0x3C, 0xEF, 0x43, 0x59, 0xD8, 0xD5, 0x80, 0xAA, 0x4F, 0x7F, 0x03, 0x6D, 0x6F, 0x04, 0xFC,
        0x6A, 0x94,
    ];

    fn cipher() -> Aes256 {
        Aes256::new(&KEY.into())
    }

    fn number(text: &str, radix: u32) -> u128 {
        text.chars().fold(0, |number, digit| {
            number * u128::from(radix) + u128::from(digit.to_digit(radix).unwrap())
        })
    }

    /// Samples 7 to 9 of NIST's examples for FF1, which are those for AES-256.
    #[test]
    fn nist_samples() {
        let tweak: Vec<u8> = (0x30..=0x39).rev().collect();
        let long_tweak = *b"7777pqrs777";
        let samples: [(u32, &[u8], &str, &str); 3] = [
            (10, &[], "0123456789", "6657667009"),
            (10, &tweak, "0123456789", "1001623463"),
            (36, &long_tweak, "0123456789abcdefghi", "xs8a0azh2avyalyzuwd"),
        ];
        for (radix, tweak, plain, enciphered) in samples {
            let ff1 = Ff1::new(cipher(), radix, plain.len() as u32, tweak).unwrap();
            assert_eq!(ff1.encipher(number(plain, radix)), number(enciphered, radix), "{plain}");
        }
    }

    #[test]
    fn it_is_a_permutation() {
        for (radix, length) in [(2, 2), (2, 7), (3, 5), (10, 3), (31, 2), (36, 2), (1000, 2)] {
            let ff1 = Ff1::new(cipher(), radix, length, &[1, 2, 3, 4]).unwrap();
            let size = u128::from(radix).pow(length);
            let mut places: Vec<_> = (0..size).map(|number| ff1.encipher(number)).collect();
            places.sort_unstable();
            assert!(places.into_iter().eq(0..size), "{radix}^{length}");
        }
    }

    #[test]
    fn what_has_no_permutation_is_refused() {
        for (radix, length) in [(1, 20), (0, 20), (65_537, 2), (10, 1), (10, 39), (2, 128)] {
            assert!(Ff1::new(cipher(), radix, length, &[]).is_none(), "{radix}^{length}");
        }
        for (radix, length) in [(2, 127), (10, 38), (36, 24), (65_536, 7)] {
            let ff1 = Ff1::new(cipher(), radix, length, &[0; 40]).unwrap();
            let size = u128::from(radix).pow(length);
            assert!(ff1.encipher(size - 1) < size);
        }
    }
}
