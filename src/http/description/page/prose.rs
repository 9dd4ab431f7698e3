//! Shows the little of CommonMark that the description's texts use: paragraphs, headings (`## `),
//! lists (`- `) and code between backticks.

use super::html::Html;

/// Shows a text of several paragraphs.
pub(super) fn blocks(html: &mut Html, text: &str) {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty()).peekable();
    while let Some(line) = lines.next() {
        if let Some(heading) = line.strip_prefix("## ") {
            html.within("h3", &[], |html| inline(html, heading));
        } else if let Some(first) = line.strip_prefix("- ") {
            html.within("ul", &[], |html| {
                html.within("li", &[], |html| inline(html, first));
                while let Some(item) = lines.peek().and_then(|line| line.strip_prefix("- ")) {
                    html.within("li", &[], |html| inline(html, item));
                    lines.next();
                }
            });
        } else {
            html.within("p", &[], |html| inline(html, line));
        }
    }
}

/// Shows a text within a line.
pub(super) fn inline(html: &mut Html, text: &str) {
    for (place, part) in text.split('`').enumerate() {
        match place % 2 {
            0 => html.text(part),
            _ => html.element("code", &[], part),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_shown() {
        let mut html = Html::default();
        blocks(&mut html, "One `a<b`.\n\n## Two\n- three\n- four\nFive.");
        assert_eq!(
            html.into_text(),
            "<p>One <code>a&lt;b</code>.</p><h3>Two</h3><ul><li>three</li><li>four</li></ul>\
             <p>Five.</p>"
        );
    }
}
