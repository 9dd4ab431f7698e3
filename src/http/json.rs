//! Writes JSON straight into a buffer. Names of fields are the program's own and need no escaping.

use std::fmt::{self, Write as _};

/// An object that is being written.
#[derive(Debug)]
pub(super) struct Object<'a> {
    output: &'a mut Vec<u8>,
    is_empty: bool,
}

impl<'a> Object<'a> {
    /// Begins an object; [`Object::end`] ends it.
    pub(super) fn begin(output: &'a mut Vec<u8>) -> Self {
        output.push(b'{');
        Self { output, is_empty: true }
    }

    /// Ends it.
    pub(super) fn end(self) {
        self.output.push(b'}');
    }

    /// Any text.
    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.name(name);
        escape(text, self.output);
    }

    /// Something whose text needs no escaping: identifiers, times, hints.
    pub(super) fn display(&mut self, name: &str, value: &dyn fmt::Display) {
        self.name(name);
        self.output.push(b'"');
        // Writing to memory does not fail.
        let _ = write!(Plain(self.output), "{value}");
        self.output.push(b'"');
    }

    /// As [`Object::display`], or null.
    pub(super) fn display_or_null(&mut self, name: &str, value: Option<&dyn fmt::Display>) {
        match value {
            Some(value) => self.display(name, value),
            None => self.raw(name, "null"),
        }
    }

    /// A whole number.
    pub(super) fn number(&mut self, name: &str, number: u64) {
        self.name(name);
        let _ = write!(Plain(self.output), "{number}");
    }

    /// A whole number, or null.
    pub(super) fn number_or_null(&mut self, name: &str, number: Option<u64>) {
        match number {
            Some(number) => self.number(name, number),
            None => self.raw(name, "null"),
        }
    }

    /// True or false.
    pub(super) fn flag(&mut self, name: &str, flag: bool) {
        self.raw(name, if flag { "true" } else { "false" });
    }

    /// JSON that was checked before.
    pub(super) fn raw(&mut self, name: &str, json: &str) {
        self.name(name);
        self.output.extend_from_slice(json.as_bytes());
    }

    /// An object within.
    pub(super) fn object(&mut self, name: &str, write: impl FnOnce(&mut Object<'_>)) {
        self.name(name);
        let mut object = Object::begin(self.output);
        write(&mut object);
        object.end();
    }

    /// A list of whole numbers.
    pub(super) fn numbers(&mut self, name: &str, numbers: &[u64]) {
        self.name(name);
        self.output.push(b'[');
        for (place, number) in numbers.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            let _ = write!(Plain(self.output), "{comma}{number}");
        }
        self.output.push(b']');
    }

    /// A list of objects.
    pub(super) fn objects<T>(
        &mut self,
        name: &str,
        items: &[T],
        write: impl Fn(&T, &mut Object<'_>),
    ) {
        self.name(name);
        self.output.push(b'[');
        for (place, item) in items.iter().enumerate() {
            if place > 0 {
                self.output.push(b',');
            }
            let mut object = Object::begin(self.output);
            write(item, &mut object);
            object.end();
        }
        self.output.push(b']');
    }

    /// A list of words of the program's own.
    pub(super) fn words(&mut self, name: &str, words: impl IntoIterator<Item = &'static str>) {
        self.name(name);
        self.output.push(b'[');
        for (place, word) in words.into_iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            let _ = write!(Plain(self.output), "{comma}\"{word}\"");
        }
        self.output.push(b']');
    }

    fn name(&mut self, name: &str) {
        if !std::mem::replace(&mut self.is_empty, false) {
            self.output.push(b',');
        }
        self.output.push(b'"');
        self.output.extend_from_slice(name.as_bytes());
        self.output.extend_from_slice(b"\":");
    }
}

/// Writes a text in quotation marks (RFC 8259, section 7).
fn escape(text: &str, output: &mut Vec<u8>) {
    output.push(b'"');
    let needs_escaping = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    if text.bytes().any(needs_escaping) {
        for byte in text.bytes() {
            match byte {
                b'"' | b'\\' => output.extend_from_slice(&[b'\\', byte]),
                0..b' ' => _ = write!(Plain(output), "\\u{byte:04x}"),
                _ => output.push(byte),
            }
        }
    } else {
        output.extend_from_slice(text.as_bytes());
    }
    output.push(b'"');
}

struct Plain<'a>(&'a mut Vec<u8>);

impl fmt::Write for Plain<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn objects_are_written_in_order() {
        let mut output = Vec::new();
        let mut object = Object::begin(&mut output);
        object.display("id", &7);
        object.number_or_null("left", None);
        object.object("counts", |counts| counts.number("issued", 3));
        object.numbers("lines", &[2, 3]);
        object.objects("data", &[1, 2], |item, object| object.number("n", *item));
        object.flag("valid", true);
        object.words("days", ["mon", "tue"]);
        object.end();
        let expected = r#"{"id":"7","left":null,"counts":{"issued":3},"lines":[2,3],"data":[{"n":1},{"n":2}],"valid":true,"days":["mon","tue"]}"#;
        assert_eq!(String::from_utf8(output).unwrap(), expected);
    }

    proptest! {
        #[test]
        fn any_text_reads_back(text in "\\PC*|[\\x00-\\x7f]{0,20}") {
            let mut output = Vec::new();
            escape(&text, &mut output);
            prop_assert_eq!(serde_json::from_slice::<String>(&output).unwrap(), text);
        }
    }
}
