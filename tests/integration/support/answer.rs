//! What a server answered.

use serde_json::Value;

/// An answer, read to its end.
#[derive(Clone)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    /// Names in lower case, and values.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// Insists on a problem document with this status and code, complete as the interface says.
    pub(crate) fn is_problem(&self, status: u16, code: &str) -> &Self {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let document = self.json();
        assert_eq!(document["code"], code, "{self:?}");
        assert_eq!(document["status"], status);
        let request_id = self.header("x-request-id").unwrap();
        assert_eq!(document["instance"], format!("urn:redeemd:request:{request_id}"));
        for member in ["type", "title", "detail"] {
            assert!(document[member].as_str().is_some_and(|text| !text.is_empty()), "{document}");
        }
        assert_eq!(self.header("retry-after").is_some(), [429, 503].contains(&status));
        if code == "validation_failed" {
            assert!(document["errors"].as_array().is_some_and(|errors| !errors.is_empty()));
        }
        self
    }

    /// As [`Answer::is_problem`], for a field of the body.
    pub(crate) fn is_invalid_at(&self, pointer: &str) {
        self.is_problem(400, "validation_failed");
        let document = self.json();
        let errors = document["errors"].as_array().unwrap();
        assert!(errors.iter().any(|error| error["pointer"] == pointer), "{pointer}: {document}");
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        write!(formatter, "{} {:?} {body:.2000}", self.status, self.headers)
    }
}
