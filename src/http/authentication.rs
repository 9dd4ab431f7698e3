//! Who asks, by the API key in `Authorization`.
//!
//! The key's text goes no further than into its digest.

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;

use super::problem::{Kind, Problem};
use super::site::Site;
use crate::service::{Caller, Permission};

impl Site {
    /// The caller, if it may do this. Nothing that public keys may do is asked for in this way.
    ///
    /// # Errors
    /// `unauthenticated` where there is no key that is let in, `forbidden` where its role does not
    /// include the permission.
    pub(super) fn admit(
        &self,
        request: &HttpRequest,
        permission: Permission,
    ) -> Result<Caller, Problem> {
        let header = request.headers().get(AUTHORIZATION);
        let Some(header) = header else {
            return Err(unauthenticated("There is no Authorization header."));
        };
        let Some(key) = bearer(header.as_bytes()) else {
            return Err(unauthenticated(
                "The Authorization header must be Bearer, a space, and an API key.",
            ));
        };
        let Some(caller) = self.worker.view().caller(key) else {
            return Err(unauthenticated("The API key is not known, or was revoked."));
        };
        if !permission.is_given_to(caller.role) {
            return Err(Problem::new(
                Kind::Forbidden,
                "The role of this API key does not include it.",
            ));
        }
        Ok(caller)
    }
}

impl Site {
    /// As [`Site::admit`], where the request has a body that is read afterwards. Those whose requests
    /// are limited are counted here.
    ///
    /// The framework closes a connection whose request was answered while its body was still to be
    /// looked at. So a refusal waits until this thread has looked at what is there of it, and no
    /// longer: whoever is refused can keep no room, and needs no new connection for the next try.
    ///
    /// # Errors
    /// As [`Site::admit`], and `rate_limited` where the caller asked too often.
    pub(super) async fn admit_with_body(
        &self,
        request: &HttpRequest,
        permission: Permission,
    ) -> Result<Caller, Problem> {
        let admitted = match self.admit(request, permission) {
            Ok(caller) => self.limit(request, caller).await.map(|()| caller),
            Err(problem) => Err(problem),
        };
        if admitted.is_err() {
            tokio::task::yield_now().await;
        }
        admitted
    }
}

/// The key of `Bearer key`; the name of the scheme has any case (RFC 9110, section 11.1).
fn bearer(header: &[u8]) -> Option<&[u8]> {
    const SCHEME: &[u8] = b"bearer ";
    let (scheme, key) = header.split_at_checked(SCHEME.len())?;
    let key = key.trim_ascii();
    (scheme.eq_ignore_ascii_case(SCHEME) && !key.is_empty()).then_some(key)
}

fn unauthenticated(detail: &'static str) -> Problem {
    Problem::new(Kind::Unauthenticated, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bearer_keys_are_read() {
        assert_eq!(bearer(b"Bearer rk_1"), Some(&b"rk_1"[..]));
        assert_eq!(bearer(b"bEARER  rk_1 "), Some(&b"rk_1"[..]));
        for other in [&b""[..], b"Bearer", b"Bearer ", b"Basic cms6", b"rk_1", b"Bearerrk_1234"] {
            assert_eq!(bearer(other), None);
        }
    }
}
