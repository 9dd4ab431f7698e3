//! Writes HTML. Whatever is no tag of ours is escaped.

/// HTML that is being written.
#[derive(Debug, Default)]
pub(super) struct Html(String);

/// Attributes of an element, by name.
pub(super) type Attributes<'a> = &'a [(&'a str, &'a str)];

impl Html {
    /// What was written.
    pub(super) fn into_text(self) -> String {
        self.0
    }

    /// An element with others in it.
    pub(super) fn within(
        &mut self,
        tag: &str,
        attributes: Attributes<'_>,
        write: impl FnOnce(&mut Self),
    ) {
        self.open(tag, attributes);
        write(self);
        self.0.push_str("</");
        self.0.push_str(tag);
        self.0.push('>');
    }

    /// An element with text in it.
    pub(super) fn element(&mut self, tag: &str, attributes: Attributes<'_>, text: &str) {
        self.within(tag, attributes, |html| html.text(text));
    }

    /// The beginning of an element; all there is of one that has no content.
    pub(super) fn open(&mut self, tag: &str, attributes: Attributes<'_>) {
        self.0.push('<');
        self.0.push_str(tag);
        for (name, value) in attributes {
            self.0.push(' ');
            self.0.push_str(name);
            self.0.push_str("=\"");
            self.text(value);
            self.0.push('"');
        }
        self.0.push('>');
    }

    /// Text, escaped.
    pub(super) fn text(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                _ => self.0.push(character),
            }
        }
    }

    /// Text of ours that is written as it is.
    pub(super) fn raw(&mut self, text: &str) {
        self.0.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_tag_is_escaped() {
        let mut html = Html::default();
        html.within("p", &[("title", "\"a\" & b")], |html| {
            html.element("code", &[], "<script>");
            html.open("br", &[]);
        });
        assert_eq!(
            html.into_text(),
            "<p title=\"&quot;a&quot; &amp; b\"><code>&lt;script&gt;</code><br></p>"
        );
    }
}
