//! The page to browse the description: one file of HTML that loads nothing, made from the same
//! document, and readable without its script.

mod curl;
mod html;
mod operation;
mod prose;
mod schema;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use html::Html;
use operation::{Fold, Operation};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// What has to be told the shell before the page's commands work. The script puts in the address
/// that the page came from.
const PREPARATION: &str = "export SERVER=http://127.0.0.1:8080 KEY=rk_…";

/// A page, and what it may load and run: itself alone.
pub(super) struct Page {
    /// The page.
    pub html: String,
    /// Its content security policy.
    pub policy: String,
}

/// Makes the page for a document.
pub(super) fn render(document: &Value) -> Page {
    let mut html = Html::default();
    html.raw("<!DOCTYPE html>");
    html.within("html", &[("lang", "en-GB")], |html| {
        html.within("head", &[], |html| {
            html.open("meta", &[("charset", "utf-8")]);
            let view = "width=device-width, initial-scale=1";
            html.open("meta", &[("name", "viewport"), ("content", view)]);
            html.open("meta", &[("name", "color-scheme"), ("content", "light dark")]);
            html.element("title", &[], &format!("{}: the HTTP interface", title(document)));
            html.open("link", &[("rel", "icon"), ("href", "data:,")]);
            html.within("style", &[], |html| html.raw(STYLE));
        });
        html.within("body", &[], |html| {
            html.element("a", &[("class", "skip"), ("href", "#main")], "To the content");
            contents(html, document);
            html.within("main", &[("id", "main")], |html| main(html, document));
            html.within("script", &[], |html| html.raw(SCRIPT));
        });
    });
    Page { html: html.into_text(), policy: policy() }
}

fn policy() -> String {
    let digest = |content: &str| BASE64_STANDARD.encode(Sha256::digest(content));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        digest(STYLE),
        digest(SCRIPT),
    )
}

fn title(document: &Value) -> String {
    let info = &document["info"];
    format!("{} {}", text(info, "title"), text(info, "version"))
}

fn contents(html: &mut Html, document: &Value) {
    html.within("nav", &[("aria-label", "Contents")], |html| {
        html.element("a", &[("class", "brand"), ("href", "#main")], &title(document));
        let search = [
            ("type", "search"),
            ("id", "search"),
            ("placeholder", "Find an operation ( / )"),
            ("aria-label", "Find an operation"),
            ("hidden", ""),
        ];
        html.open("input", &search);
        for (tag, _) in tags(document) {
            html.within("div", &[("class", "group")], |html| {
                html.element("p", &[], tag);
                html.within("ul", &[], |html| {
                    for operation in operations(document, tag) {
                        html.within("li", &[], |html| link(html, operation));
                    }
                });
            });
        }
        html.within("ul", &[], |html| {
            for (name, place) in [("Errors", "#errors"), ("Schemas", "#schemas")] {
                html.within("li", &[], |html| html.element("a", &[("href", place)], name));
            }
            html.within("li", &[], |html| {
                html.element("a", &[("href", "openapi.json")], "openapi.json");
            });
        });
    });
}

fn link(html: &mut Html, operation: Operation<'_>) {
    let address = format!("#{}", operation.anchor());
    let hover = format!("{} {}", operation.method.to_uppercase(), operation.path);
    html.within("a", &[("href", &address), ("title", &hover)], |html| {
        let class = format!("method {}", operation.method);
        html.element("span", &[("class", &class)], &operation.method.to_uppercase());
        html.text(" ");
        html.text(text(operation.says, "summary"));
    });
}

fn main(html: &mut Html, document: &Value) {
    html.element("h1", &[], &title(document));
    html.element("p", &[("class", "lead")], text(&document["info"], "summary"));
    html.within("section", &[("class", "overview")], |html| {
        prose::blocks(html, text(&document["info"], "description"));
        html.element("h3", &[], "Trying it");
        html.element("p", &[], "The commands on this page expect two variables:");
        html.within("div", &[("class", "code"), ("id", "preparation")], |html| {
            operation::code(html, PREPARATION);
        });
    });
    for (tag, description) in tags(document) {
        html.element("h2", &[], tag);
        html.within("p", &[("class", "lead")], |html| prose::inline(html, description));
        for operation in operations(document, tag) {
            operation::show(html, document, operation);
        }
    }
    html.element("h2", &[("id", "errors")], "Errors");
    errors(html, document);
    html.element("h2", &[("id", "schemas")], "Schemas");
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        // The error codes have a table of their own.
        if schema::has_own_place(schema) && name != "ErrorCode" {
            schema::named(html, document, name, schema);
        }
    }
}

fn errors(html: &mut Html, document: &Value) {
    html.within("table", &[("id", "schema-ErrorCode")], |html| {
        html.within("thead", &[], |html| {
            html.within("tr", &[], |html| {
                for heading in ["Status", "Code", "When"] {
                    html.element("th", &[("scope", "col")], heading);
                }
            });
        });
        html.within("tbody", &[], |html| {
            let examples = document["components"]["examples"].as_object();
            for (code, example) in examples.into_iter().flatten() {
                html.within("tr", &[("id", &format!("error-{code}"))], |html| {
                    html.element("td", &[], &example["value"]["status"].to_string());
                    html.within("td", &[], |html| html.element("code", &[], code));
                    html.within("td", &[], |html| {
                        prose::inline(html, text(example, "summary"));
                        operation::folded(html, "Example", &example["value"], Fold::Closed);
                    });
                });
            }
        });
    });
}

/// The tags, with what is said of them.
fn tags(document: &Value) -> impl Iterator<Item = (&str, &str)> {
    let tags = document["tags"].as_array().into_iter().flatten();
    tags.map(|tag| (text(tag, "name"), text(tag, "description")))
}

/// The operations under a tag.
fn operations<'a>(document: &'a Value, tag: &str) -> impl Iterator<Item = Operation<'a>> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().into_iter().flatten();
            methods.map(move |(method, says)| Operation { method, path, says })
        })
        .filter(move |operation| operation.says["tags"][0] == *tag)
}

/// A text of an object; empty where there is none.
fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// What a reference stands for; the value itself where it is none.
fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let target = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    target.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}
