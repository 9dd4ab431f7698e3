//! Postcard, appended to a buffer that is used again and again.

use postcard::ser_flavors::Flavor;
use serde::Serialize;

struct Append<'a>(&'a mut Vec<u8>);

impl Flavor for Append<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        if bytes.len() < 8 {
            // Mostly it is a number of a few bytes, which are sooner there than a call is made.
            let (fours, rest) = bytes.as_chunks::<4>();
            fours.iter().for_each(|four| self.0.extend_from_slice(four));
            rest.iter().for_each(|&byte| self.0.push(byte));
        } else {
            self.0.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// Appends a value to `buffer` in postcard's encoding.
///
/// # Errors
/// When the value cannot be encoded; the buffer is then as it was.
pub fn append<T: Serialize + ?Sized>(value: &T, buffer: &mut Vec<u8>) -> postcard::Result<()> {
    let length = buffer.len();
    postcard::serialize_with_flavor(value, Append(buffer)).inspect_err(|_| buffer.truncate(length))
}

/// Reads a value that [`append`] wrote, and that nothing follows; `None` for anything else.
pub fn decode<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Some(value),
        Ok(_) | Err(_) => None,
    }
}
