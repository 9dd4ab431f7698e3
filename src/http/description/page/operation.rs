//! Shows an operation: what it takes, what it answers, and how to try it.

use serde_json::Value;

use super::curl;
use super::html::Html;
use super::{prose, resolve, schema, text};

/// An operation with its address.
#[derive(Clone, Copy)]
pub(super) struct Operation<'a> {
    /// The method, in lower case.
    pub method: &'a str,
    /// The path, with its parameters in braces.
    pub path: &'a str,
    /// What the description says of it.
    pub says: &'a Value,
}

impl Operation<'_> {
    /// By what links find it.
    pub(super) fn anchor(&self) -> &str {
        text(self.says, "operationId")
    }
}

/// Shows an operation.
pub(super) fn show(html: &mut Html, document: &Value, operation: Operation<'_>) {
    let Operation { method, path, says } = operation;
    html.within("section", &[("class", "operation"), ("id", operation.anchor())], |html| {
        html.within("h3", &[], |html| {
            html.element(
                "a",
                &[("href", &format!("#{}", operation.anchor()))],
                text(says, "summary"),
            );
        });
        html.within("p", &[("class", "address")], |html| {
            html.element("span", &[("class", &format!("method {method}"))], &method.to_uppercase());
            html.text(" ");
            html.element("code", &[], path);
        });
        html.within("div", &[("class", "columns")], |html| {
            html.within("div", &[], |html| {
                prose::blocks(html, text(says, "description"));
                parameters(html, document, says);
                body(html, document, says);
                answers(html, document, says);
            });
            html.within("div", &[("class", "examples")], |html| {
                examples(html, document, operation);
            });
        });
    });
}

fn parameters(html: &mut Html, document: &Value, says: &Value) {
    let Some(parameters) = says["parameters"].as_array() else { return };
    html.element("h4", &[], "Parameters");
    html.within("dl", &[("class", "fields")], |html| {
        for parameter in parameters {
            let parameter = resolve(document, parameter);
            let name = match text(parameter, "in") {
                "header" => format!("{}:", text(parameter, "name")),
                "query" => format!("?{}=", text(parameter, "name")),
                _ => format!("{{{}}}", text(parameter, "name")),
            };
            // Its own words say more than those of its type.
            let mut shown = resolve(document, &parameter["schema"]).clone();
            shown["description"] = parameter["description"].clone();
            schema::field(html, document, &name, &shown, parameter["required"] == true);
        }
    });
}

fn body(html: &mut Html, document: &Value, says: &Value) {
    let Some(content) = says["requestBody"]["content"].as_object() else { return };
    html.element("h4", &[], "Body");
    for (media_type, content) in content {
        html.element("p", &[("class", "media")], media_type);
        let described = resolve(document, &content["schema"]);
        prose::blocks(html, text(described, "description"));
        schema::content(html, document, described);
    }
}

fn answers(html: &mut Html, document: &Value, says: &Value) {
    html.element("h4", &[], "Answers");
    html.within("dl", &[("class", "answers")], |html| {
        for (status, answer) in says["responses"].as_object().into_iter().flatten() {
            let class = if status.starts_with('2') { "status good" } else { "status" };
            html.element("dt", &[("class", class)], status);
            html.within("dd", &[], |html| match answer["x-error-codes"].as_array() {
                Some(codes) => errors(html, codes),
                None => good(html, document, answer),
            });
        }
    });
}

fn errors(html: &mut Html, codes: &[Value]) {
    for (place, code) in codes.iter().filter_map(Value::as_str).enumerate() {
        html.text(if place > 0 { ", " } else { "" });
        html.within("a", &[("href", &format!("#error-{code}"))], |html| {
            html.element("code", &[], code);
        });
    }
}

fn good(html: &mut Html, document: &Value, answer: &Value) {
    prose::inline(html, text(answer, "description"));
    for (media_type, content) in answer["content"].as_object().into_iter().flatten() {
        html.within("p", &[], |html| {
            html.element("span", &[("class", "media")], media_type);
            html.text(" ");
            schema::kind(html, document, &content["schema"]);
        });
    }
    let headers = answer["headers"].as_object().into_iter().flatten();
    // Those that every answer has are explained at the beginning.
    let headers = headers.filter(|(name, _)| *name != "X-Request-Id");
    for (name, header) in headers {
        html.within("p", &[], |html| {
            html.element("code", &[], &format!("{name}:"));
            html.text(" ");
            prose::inline(html, text(resolve(document, header), "description"));
        });
    }
}

fn examples(html: &mut Html, document: &Value, operation: Operation<'_>) {
    html.within("div", &[("class", "code")], |html| {
        html.element("p", &[("class", "title")], "Try it");
        code(html, &curl::command(document, operation));
    });
    // The command has the first body.
    let bodies = operation.says["requestBody"]["content"].as_object().into_iter().flatten();
    let bodies =
        bodies.flat_map(|(_, content)| content["examples"].as_object().into_iter().flatten());
    for (_, example) in bodies.skip(1) {
        folded(html, text(example, "summary"), &example["value"], Fold::Closed);
    }
    let mut fold = Fold::Open;
    for (status, answer) in operation.says["responses"].as_object().into_iter().flatten() {
        // Errors are the same everywhere and have their examples where they are explained.
        if answer.get("x-error-codes").is_some() {
            continue;
        }
        for (media_type, content) in answer["content"].as_object().into_iter().flatten() {
            for (name, example) in content["examples"].as_object().into_iter().flatten() {
                let title = format!("{status} {media_type}, {name}");
                let fold = std::mem::replace(&mut fold, Fold::Closed);
                folded(html, &title, &resolve(document, example)["value"], fold);
            }
        }
    }
}

/// Whether an example is shown at once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fold {
    /// It is.
    Open,
    /// It is shown when somebody asks for it.
    Closed,
}

/// Shows an example under a title.
pub(super) fn folded(html: &mut Html, title: &str, example: &Value, fold: Fold) {
    let attributes: &[_] = if fold == Fold::Open { &[("open", "")] } else { &[] };
    html.within("details", attributes, |html| {
        html.within("summary", &[], |html| prose::inline(html, title));
        let content = match example {
            Value::String(text) => text.clone(),
            value => serde_json::to_string_pretty(value).unwrap_or_default(),
        };
        code(html, &content);
    });
}

/// Shows lines as they are. They can be scrolled, so the keyboard must get there.
pub(super) fn code(html: &mut Html, content: &str) {
    html.within("pre", &[("tabindex", "0")], |html| html.element("code", &[], content));
}
