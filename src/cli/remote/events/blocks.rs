//! Reading server-sent events from the pieces in which they arrive.

use std::io::{self, Write};

/// How many bytes one event may have. The server's are far smaller.
const MOST_BYTES: usize = 16 << 20;

/// Takes a stream as it comes, and shows each event with the position after it.
pub(super) struct Blocks<F> {
    /// What came of a block that is not complete.
    begun: Vec<u8>,
    position: Option<String>,
    show: F,
}

impl<F: FnMut(&str, &str) -> io::Result<()>> Blocks<F> {
    /// Shows events with this.
    pub(super) fn new(show: F) -> Self {
        Self { begun: Vec::new(), position: None, show }
    }

    /// After what was shown last; `None` before anything came.
    pub(super) fn position(&self) -> Option<&str> {
        self.position.as_deref()
    }

    /// Begins another stream: what was begun in the one before is not taken for its beginning.
    pub(super) fn begin(&mut self) {
        self.begun.clear();
    }

    fn block(&mut self, block: &str) -> io::Result<()> {
        let (mut id, mut data) = (None, None);
        for line in block.lines() {
            match line.split_once(": ") {
                Some(("id", text)) => id = Some(text),
                Some(("data", text)) => data = Some(text),
                _ => {}
            }
        }
        if let Some(data) = data {
            (self.show)(id.or(self.position.as_deref()).unwrap_or_default(), data)?;
        }
        if let Some(id) = id {
            self.position = Some(id.to_owned());
        }
        Ok(())
    }
}

impl<F: FnMut(&str, &str) -> io::Result<()>> Write for Blocks<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.begun.len() + bytes.len() > MOST_BYTES {
            return Err(io::Error::other("an event is longer than any can be"));
        }
        // The end of a block may have come in two parts.
        let mut looked = self.begun.len().saturating_sub(1);
        self.begun.extend_from_slice(bytes);
        let mut taken = 0;
        let text = std::mem::take(&mut self.begun);
        while let Some(end) = text.get(looked..).and_then(end_of_block) {
            let end = looked + end;
            let block = text.get(taken..end).unwrap_or_default();
            self.block(&String::from_utf8_lossy(block))?;
            (taken, looked) = (end + 2, end + 2);
        }
        self.begun = text.get(taken..).unwrap_or_default().to_vec();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn end_of_block(text: &[u8]) -> Option<usize> {
    text.windows(2).position(|two| two == b"\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_however_they_are_cut() {
        let stream = "retry: 2000\nid: p0\n\nid: p1\nevent: a\ndata: {\"n\":1}\n\n: still here\n\n\
                      id: p2\nevent: a\ndata: {\"n\":\"é: x\"}\n\nid: p3\n\nid: p4\ndata: {";
        for length in 1..stream.len() {
            let mut seen = Vec::new();
            let mut blocks = Blocks::new(|position: &str, data: &str| {
                seen.push((position.to_owned(), data.to_owned()));
                Ok(())
            });
            for piece in stream.as_bytes().chunks(length) {
                blocks.write_all(piece).unwrap();
            }
            assert_eq!(blocks.position(), Some("p3"));
            blocks.begin();
            blocks.write_all(b"data: {}\n\n").unwrap();
            let expected = [("p1", "{\"n\":1}"), ("p2", "{\"n\":\"é: x\"}"), ("p3", "{}")];
            let expected = expected.map(|(id, data)| (id.to_owned(), data.to_owned()));
            assert_eq!(seen, expected, "in pieces of {length}");
        }
    }
}
