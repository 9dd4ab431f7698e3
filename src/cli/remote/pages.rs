//! Lists, page by page.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::session::Session;

/// The most that a page has.
const MOST_ON_PAGE: u64 = 1000;

#[derive(Deserialize)]
struct Page {
    data: Vec<Box<RawValue>>,
    next_cursor: Option<String>,
}

/// Visits everything that a list has, at most so many, as the server wrote each.
///
/// # Errors
/// The refusal of a page, why it has no answer, or what the visitor says.
pub(super) fn visit(
    session: &mut Session,
    path: &str,
    limit: Option<u64>,
    mut visit: impl FnMut(&RawValue) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut left = limit.unwrap_or(u64::MAX);
    let mut cursor: Option<String> = None;
    while left > 0 {
        let mut page = format!("{path}?limit={}", left.min(MOST_ON_PAGE));
        if let Some(cursor) = &cursor {
            page += "&cursor=";
            page.extend(cursor.bytes().map(percent_encoded));
        }
        let answer = session.get(&page)?;
        let page: Page = serde_json::from_slice(answer.body())?;
        for row in page.data.iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
            visit(row)?;
            left -= 1;
        }
        match page.next_cursor {
            // The same page for ever would be a list without an end.
            next if next == cursor => break,
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    Ok(())
}

fn percent_encoded(byte: u8) -> String {
    match byte {
        byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::cli::remote::insisting::Manner;
    use crate::client::Client;

    #[test]
    fn lists_are_followed_to_their_end() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let client = Client::new(listener.local_addr().unwrap());
        let pages = [
            r#"{"data":[{"a":1.10},2],"next_cursor":"x/&1"}"#,
            r#"{"data":[],"next_cursor":"y"}"#,
            r#"{"data":[3],"next_cursor":null}"#,
        ];
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            pages.map(|page| {
                let mut buffer = [0; 1024];
                let length = stream.read(&mut buffer).unwrap();
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", page.len());
                stream.write_all((head + page).as_bytes()).unwrap();
                let asked = String::from_utf8_lossy(&buffer[..length]).into_owned();
                asked.lines().next().unwrap_or_default().to_owned()
            })
        });
        let manner = Manner { patience: Duration::from_secs(10), tells_people: false };
        let mut session = Session { client, json: true, manner };
        let mut seen = Vec::new();
        let visited = visit(&mut session, "/things", None, |row| {
            seen.push(row.get().to_owned());
            Ok(())
        });
        visited.unwrap();
        assert_eq!(seen, ["{\"a\":1.10}", "2", "3"]);
        let asked = server.join().unwrap();
        assert_eq!(asked[0], "GET /things?limit=1000 HTTP/1.1");
        assert_eq!(asked[1], "GET /things?limit=1000&cursor=x%2F%261 HTTP/1.1");
    }
}
