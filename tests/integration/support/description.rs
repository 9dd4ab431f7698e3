//! What the server says of its own interface, and whether its answers are as it says.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::OnceLock;

use serde_json::Value;

use super::answer::Answer;
use super::client::raw;
use super::schema::{compare, resolve};

/// Where the server says it.
pub(crate) const PATH: &str = "/api/v1/openapi.json";

/// The description.
pub(crate) struct Description {
    /// The whole document.
    pub(crate) document: Value,
}

/// What a success or an error looks like, as the description says.
pub(crate) struct Described<'a> {
    document: &'a Value,
    answer: &'a Value,
}

impl Description {
    /// The description that a server gives.
    pub(crate) fn of(answer: &Answer) -> Self {
        Self { document: answer.json() }
    }

    /// The description of the program under test, from whichever server is asked first. `None`
    /// where the server does not answer.
    pub(crate) fn known(address: SocketAddr) -> Option<&'static Self> {
        static KNOWN: OnceLock<Description> = OnceLock::new();
        if KNOWN.get().is_none() {
            let request = format!("GET {PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            let answer = raw(address, request.as_bytes()).ok()?;
            // Another test may have been quicker.
            let _ = KNOWN.set(Self::of(&answer));
        }
        KNOWN.get()
    }

    /// Every operation: path, method and what is said of it.
    pub(crate) fn operations(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        let paths = self.document["paths"].as_object().unwrap();
        paths.iter().flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap();
            methods.iter().map(move |(method, says)| (path.as_str(), method.as_str(), says))
        })
    }

    /// What is said of an operation. Of the paths that an address matches, the one with the fewest
    /// parameters is meant, as for the router.
    pub(crate) fn operation(&self, method: &str, address: &str) -> Option<&Value> {
        let path = address.split('?').next().unwrap();
        let paths = self.document["paths"].as_object().unwrap().iter();
        let matching = paths.filter(|(template, _)| is_at(template, path));
        let (_, methods) = matching.min_by_key(|(template, _)| template.matches('{').count())?;
        methods.get(method.to_ascii_lowercase())
    }

    /// Insists that an answer is as the description says.
    ///
    /// Gives the fields that were in it, by the name of their schema. Addresses and methods that do
    /// not exist are not described.
    pub(crate) fn insist(
        &self,
        method: &str,
        address: &str,
        answer: &Answer,
    ) -> BTreeSet<(String, String)> {
        let Some(says) = self.operation(method, address) else { return BTreeSet::new() };
        let status = answer.status.to_string();
        let described = says["responses"].get(&status);
        let described = described.unwrap_or_else(|| {
            panic!("{method} {address} answers what is not described: {answer:?}")
        });
        let described = Described { document: &self.document, answer: described };
        match described.compare(answer) {
            Ok(seen) => seen,
            Err(faults) => {
                panic!(
                    "{method} {address} answers otherwise than described: {faults:?}\n{answer:?}"
                )
            }
        }
    }
}

impl Described<'_> {
    fn compare(&self, answer: &Answer) -> Result<BTreeSet<(String, String)>, Vec<String>> {
        let mut faults = Vec::new();
        for (name, header) in self.answer["headers"].as_object().into_iter().flatten() {
            let header = resolve(self.document, header);
            let given = answer.header(&name.to_ascii_lowercase());
            if header["required"] == true && given.is_none() {
                faults.push(format!("the header {name} is missing"));
            }
            if let Some(given) = given {
                let value = match header["schema"]["type"] == "integer" {
                    true => given.parse::<u64>().map_or(Value::Null, Value::from),
                    false => given.into(),
                };
                faults.extend(compare(self.document, &header["schema"], &value).faults);
            }
        }
        let mut seen = BTreeSet::new();
        let media_type = answer.header("content-type").and_then(|kind| kind.split(';').next());
        match (self.answer["content"].as_object(), media_type) {
            (None, _) if !answer.body.is_empty() => faults.push("a body".to_owned()),
            (None, _) => {}
            (Some(content), media_type) => {
                let Some(content) = media_type.and_then(|kind| content.get(kind)) else {
                    return Err(vec![format!("the media type {media_type:?}")]);
                };
                if media_type.is_some_and(|kind| kind.ends_with("json") && !kind.contains("nd")) {
                    let found = compare(self.document, &content["schema"], &answer.json());
                    faults.extend(found.faults);
                    seen = found.seen;
                }
            }
        }
        if let Some(codes) = self.answer["x-error-codes"].as_array()
            && !codes.contains(&answer.json()["code"])
        {
            faults.push(format!("the code is none of {codes:?}"));
        }
        if faults.is_empty() { Ok(seen) } else { Err(faults) }
    }
}

/// Whether a path is one of those that a template stands for.
fn is_at(template: &str, path: &str) -> bool {
    let (template, path) = (template.split('/'), path.split('/'));
    template.clone().count() == path.clone().count()
        && template.zip(path).all(|(template, part)| template.starts_with('{') || template == part)
}
