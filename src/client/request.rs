//! A request on its way out.

/// A request. Names, values and paths must hold neither spaces nor line breaks where HTTP has none:
/// they come from this program, not from people.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    method: &'a str,
    path: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    body: Option<&'a [u8]>,
}

impl<'a> Request<'a> {
    /// `GET` of a path with its query.
    pub fn get(path: &'a str) -> Self {
        Self { method: "GET", path, headers: Vec::new(), body: None }
    }

    /// `POST` of a JSON text to a path.
    pub fn post(path: &'a str, json: &'a str) -> Self {
        Self::with_body("POST", path, json.as_bytes())
    }

    /// `POST` of nothing to a path.
    pub fn post_nothing(path: &'a str) -> Self {
        Self { method: "POST", path, headers: Vec::new(), body: Some(b"") }
    }

    /// `POST` to a path of a body that is sent with [`Client::upload`](super::Client::upload).
    pub fn post_upload(path: &'a str, media_type: &'a str) -> Self {
        Self { method: "POST", path, headers: vec![("Content-Type", media_type)], body: None }
    }

    /// `DELETE` of a path.
    pub fn delete(path: &'a str) -> Self {
        Self { method: "DELETE", path, headers: Vec::new(), body: None }
    }

    /// `PATCH` of a JSON text to a path.
    pub fn patch(path: &'a str, json: &'a str) -> Self {
        Self::with_body("PATCH", path, json.as_bytes())
    }

    fn with_body(method: &'a str, path: &'a str, body: &'a [u8]) -> Self {
        let headers = vec![("Content-Type", "application/json")];
        Self { method, path, headers, body: Some(body) }
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &'a str, value: &'a str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same under a name by which it can be repeated, if there is one.
    #[must_use]
    pub fn idempotency_key(self, key: Option<&'a str>) -> Self {
        match key {
            Some(key) => self.header("Idempotency-Key", key),
            None => self,
        }
    }

    /// The same, for an answer in this form.
    #[must_use]
    pub fn accept(self, media_type: &'a str) -> Self {
        self.header("Accept", media_type)
    }

    /// Whether sending it twice is the same as sending it once.
    pub(super) fn only_reads(&self) -> bool {
        self.method == "GET"
    }

    /// Writes it as it goes over the wire, in one piece: a head and a body in two packets would
    /// wait for each other. `framing` is the header that says how a body ends which follows from
    /// elsewhere.
    pub(super) fn write(
        &self,
        host: &str,
        authorization: Option<&str>,
        framing: Option<(&str, String)>,
        wire: &mut Vec<u8>,
    ) {
        wire.clear();
        let mut line = |parts: [&str; 4]| {
            for part in parts {
                wire.extend_from_slice(part.as_bytes());
            }
            wire.extend_from_slice(b"\r\n");
        };
        line([self.method, " ", self.path, " HTTP/1.1"]);
        line(["Host", ": ", host, ""]);
        if let Some(key) = authorization {
            line(["Authorization", ": ", "Bearer ", key]);
        }
        for (name, value) in &self.headers {
            line([name, ": ", value, ""]);
        }
        if let Some(body) = self.body {
            line(["Content-Length", ": ", &body.len().to_string(), ""]);
        }
        if let Some((name, value)) = framing {
            line([name, ": ", &value, ""]);
        }
        wire.extend_from_slice(b"\r\n");
        wire.extend_from_slice(self.body.unwrap_or_default());
    }
}
