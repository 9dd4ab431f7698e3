//! Origins of pages (RFC 6454), as browsers send them.

/// The longest one, in bytes: more than a name in the DNS and a port have.
const LONGEST: usize = 300;

/// Every page, wherever it comes from.
pub(crate) const EVERYWHERE: &str = "*";

/// An origin as a browser writes it: in lower case, and without a port that its scheme implies.
pub(crate) fn origin(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    if text == EVERYWHERE {
        return Some(text);
    }
    let (scheme, authority) = text.split_once("://")?;
    let implied = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    let authority = authority.strip_suffix(implied).unwrap_or(authority);
    let is_part = |one: char| one.is_ascii_alphanumeric() || "-._:[]".contains(one);
    let is_sound = (1..=LONGEST).contains(&authority.len()) && authority.chars().all(is_part);
    is_sound.then(|| format!("{scheme}://{authority}"))
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn origins_are_what_browsers_send() {
        for (text, read) in [
            ("https://shop.example.com", Some("https://shop.example.com")),
            (" HTTPS://Shop.example.com:443", Some("https://shop.example.com")),
            ("http://localhost:8080", Some("http://localhost:8080")),
            ("http://[::1]:80", Some("http://[::1]")),
            ("*", Some("*")),
            ("shop.example.com", None),
            ("https://shop.example.com/", None),
            ("https://*.example.com", None),
            ("ftp://shop.example.com", None),
            ("https://", None),
            ("null", None),
            ("", None),
        ] {
            assert_eq!(origin(text).as_deref(), read, "{text}");
        }
    }
}
