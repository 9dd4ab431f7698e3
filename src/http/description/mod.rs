//! The description of the interface (OpenAPI 3.1), and a page to browse it. Both are put together
//! once, when they are first asked for, from the files in `parts/`, one an area of the interface.
//!
//! It must never know a handler: that description and server agree is shown by the tests in
//! `tests/integration/description/`.

mod document;
mod errors;
mod page;

use std::sync::LazyLock;

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, HeaderValue,
    IF_NONE_MATCH, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use sha2::{Digest as _, Sha256};

use super::answer::{self, Meaning};
use super::problem::Problem;

/// What is sent, made at the first request.
static DESCRIBED: LazyLock<Result<Described, document::Unusable>> = LazyLock::new(Described::make);

/// The description in both of its forms.
struct Described {
    document: File,
    page: File,
    policy: String,
}

/// Something that is the same for everybody, until another version of the server runs.
struct File {
    content: Bytes,
    tag: String,
}

/// `GET /openapi.json`
pub(super) async fn document(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let Described { document, .. } = described()?;
    Ok(document.answer(&request, "application/json", &[]))
}

/// `GET /docs`
pub(super) async fn page(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let Described { page, policy, .. } = described()?;
    let protection = [
        (CONTENT_SECURITY_POLICY, policy.as_str()),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok(page.answer(&request, "text/html; charset=utf-8", &protection))
}

fn described() -> Result<&'static Described, Problem> {
    let described = DESCRIBED.as_ref();
    described.map_err(|error| Problem::internal(format!("the description is unusable: {error}")))
}

impl Described {
    fn make() -> Result<Self, document::Unusable> {
        let document = document::assemble()?;
        let page = page::render(&document);
        Ok(Self {
            document: File::new(serde_json::to_vec(&document)?),
            page: File::new(page.html.into_bytes()),
            policy: page.policy,
        })
    }
}

impl File {
    fn new(content: Vec<u8>) -> Self {
        let digest = Sha256::digest(&content);
        let digits: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self { content: content.into(), tag: format!("\"{digits}\"") }
    }

    /// The file, or that the client has it already.
    fn answer(
        &self,
        request: &HttpRequest,
        media_type: &str,
        headers: &[(HeaderName, &str)],
    ) -> HttpResponse {
        let is_known = is_among(request, &self.tag);
        let meaning = if is_known { Meaning::Unchanged } else { Meaning::Fine };
        let mut response = answer::begin(meaning, false);
        response
            .insert_header((ETAG, self.tag.as_str()))
            .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-cache")));
        if is_known {
            return response.finish();
        }
        for (name, value) in headers {
            response.insert_header((name.clone(), *value));
        }
        response.insert_header((CONTENT_TYPE, media_type)).body(self.content.clone())
    }
}

/// Whether `If-None-Match` names a tag (RFC 9110, section 13.1.2).
fn is_among(request: &HttpRequest, tag: &str) -> bool {
    let given = request.headers().get_all(IF_NONE_MATCH);
    let mut given = given.flat_map(|header| header.to_str().unwrap_or_default().split(','));
    given.any(|given| {
        let given = given.trim();
        given == "*" || given.strip_prefix("W/").unwrap_or(given) == tag
    })
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn both_forms_can_be_made() {
        let described = described().unwrap();
        assert!(described.document.content.len() > 50_000);
        assert!(described.page.content.len() > 50_000);
    }

    #[test]
    fn tags_are_compared_weakly() {
        let asks = |value: &str| {
            let request = TestRequest::default().insert_header((IF_NONE_MATCH, value));
            is_among(&request.to_http_request(), "\"1f\"")
        };
        assert!(asks("\"1f\"") && asks("\"2\", W/\"1f\"") && asks("*"));
        assert!(!asks("\"1\"") && !asks("1f") && !asks(""));
        assert!(!is_among(&TestRequest::default().to_http_request(), "\"1f\""));
    }
}
