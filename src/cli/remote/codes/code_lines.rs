//! Codes as they come in: whole lines, each of them once, though the answer may have to be asked for
//! again.

use std::io::{self, Write};

use crate::cli::progress::Progress;

/// Passes whole lines on. The same answer, asked for again, has the same codes on the same lines, so
/// the lines that were passed on before are passed over.
pub(super) struct CodeLines<'a, W> {
    output: W,
    progress: &'a Progress,
    title: Option<&'static [u8]>,
    /// Whether the title stands in the output.
    has_title: bool,
    /// Codes of all answers that were passed on.
    codes: u64,
    /// Codes of this answer that were passed on, however often it was asked for.
    of_answer: u64,
    /// Codes of this attempt at the answer that were read.
    of_attempt: u64,
    /// Whether this attempt has come to the codes.
    is_past_title: bool,
    /// A line whose end has not come yet.
    rest: Vec<u8>,
}

/// The longest line that is waited for, in bytes.
const LONGEST_LINE: usize = 16 * 1024;

impl<'a, W: Write> CodeLines<'a, W> {
    /// Lines on their way to `output`, which gets the title once.
    pub(super) fn new(output: W, title: Option<&'static [u8]>, progress: &'a Progress) -> Self {
        Self {
            output,
            progress,
            title,
            has_title: false,
            codes: 0,
            of_answer: 0,
            of_attempt: 0,
            is_past_title: false,
            rest: Vec::new(),
        }
    }

    /// Another answer begins.
    pub(super) fn begin_answer(&mut self) {
        self.of_answer = 0;
        self.begin_attempt();
    }

    /// The same answer begins again.
    pub(super) fn begin_attempt(&mut self) {
        self.of_attempt = 0;
        self.is_past_title = self.title.is_none();
        self.rest.clear();
    }

    /// How many codes this answer has, if it has come to its end.
    pub(super) fn end_of_answer(&self) -> Option<u64> {
        let is_whole = self.rest.is_empty() && self.of_answer == self.of_attempt;
        (is_whole && self.is_past_title).then_some(self.of_answer)
    }

    /// How many codes were passed on.
    pub(super) fn codes(&self) -> u64 {
        self.codes
    }

    /// Where they went.
    pub(super) fn into_output(self) -> W {
        self.output
    }

    /// Passes on lines that have all come.
    fn take(&mut self, mut lines: &[u8]) -> io::Result<()> {
        while !lines.is_empty() && (!self.is_past_title || self.of_attempt < self.of_answer) {
            let end =
                lines.iter().position(|&byte| byte == b'\n').map_or(lines.len(), |end| end + 1);
            let (line, others) = lines.split_at(end);
            if self.is_past_title {
                self.of_attempt += 1;
            } else {
                self.take_title(line)?;
            }
            lines = others;
        }
        self.output.write_all(lines)?;
        let count = lines.iter().filter(|&&byte| byte == b'\n').count() as u64;
        self.of_attempt += count;
        self.of_answer += count;
        self.codes += count;
        self.progress.set(self.codes);
        Ok(())
    }

    fn take_title(&mut self, line: &[u8]) -> io::Result<()> {
        if Some(line.trim_ascii_end()) != self.title {
            return Err(io::Error::other("the codes come under another title than expected"));
        }
        self.is_past_title = true;
        if !std::mem::replace(&mut self.has_title, true) {
            self.output.write_all(line)?;
        }
        Ok(())
    }
}

impl<W: Write> Write for CodeLines<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut fresh = bytes;
        if !self.rest.is_empty() {
            let end = bytes.iter().position(|&byte| byte == b'\n');
            let (line, others) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
            self.rest.extend_from_slice(line);
            if end.is_some() {
                let line = std::mem::take(&mut self.rest);
                self.take(&line)?;
            }
            fresh = others;
        }
        let whole = fresh.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let (whole, rest) = fresh.split_at(whole);
        self.take(whole)?;
        self.rest.extend_from_slice(rest);
        match self.rest.len() > LONGEST_LINE {
            true => Err(io::Error::other("a line is longer than any code")),
            false => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_passes_once_however_often_it_comes() {
        let text = b"code\nA-1\nB-2\nC-3\n";
        for cut in 0..text.len() {
            for size in 1..text.len() {
                let progress = Progress::begin("test", 3);
                let mut lines = CodeLines::new(Vec::new(), Some(b"code"), &progress);
                lines.begin_answer();
                for piece in text[..cut].chunks(size) {
                    lines.write_all(piece).unwrap();
                }
                assert!(lines.of_answer < 3);
                lines.begin_attempt();
                for piece in text.chunks(size) {
                    lines.write_all(piece).unwrap();
                }
                assert_eq!(lines.end_of_answer(), Some(3));
                lines.begin_answer();
                assert_eq!(lines.end_of_answer(), None, "not even a title");
                lines.write_all(b"code\nD-4\n").unwrap();
                assert_eq!((lines.end_of_answer(), lines.codes()), (Some(1), 4));
                assert_eq!(lines.into_output(), b"code\nA-1\nB-2\nC-3\nD-4\n");
            }
        }
    }

    #[test]
    fn what_is_not_codes_is_refused() {
        let progress = Progress::begin("test", 3);
        let mut lines = CodeLines::new(Vec::new(), Some(b"code"), &progress);
        lines.begin_answer();
        assert!(lines.write_all(b"<html>\n").is_err());
        let mut lines = CodeLines::new(Vec::new(), None, &progress);
        lines.begin_answer();
        assert!(lines.write_all(&[b'x'; LONGEST_LINE + 1]).is_err());
        lines.begin_attempt();
        lines.write_all(b"{}\n{").unwrap();
        assert_eq!(lines.end_of_answer(), None, "half a line");
    }
}
