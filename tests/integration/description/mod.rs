//! `/openapi.json` and `/docs`: the server's description of itself, and whether it is true.
//!
//! Beyond these tests, the client that all tests share compares every answer with the description.

mod document;
mod examples;
mod roles;
mod routes;
mod stage;

use crate::support::{Client, Description, Folder, Request, Server};

const PATHS: [(&str, &str); 2] =
    [("/api/v1/openapi.json", "application/json"), ("/api/v1/docs", "text/html; charset=utf-8")];

fn description(server: &Server) -> Description {
    Description::of(&Client::new(server.address, None).get(PATHS[0].0))
}

#[test]
fn both_forms_are_served_to_everybody_and_kept_by_caches() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = Client::new(server.address, None);
    for (path, media_type) in PATHS {
        let first = client.get(path);
        assert_eq!((first.status, first.header("content-type")), (200, Some(media_type)));
        assert_eq!(first.header("cache-control"), Some("no-cache"));
        let tag = first.header("etag").unwrap();
        let again = client.send(Request::new("GET", path).header("If-None-Match", tag));
        assert_eq!((again.status, again.body.len()), (304, 0), "{again:?}");
        assert_eq!(again.header("etag"), Some(tag));
        let other = client.send(Request::new("GET", path).header("If-None-Match", "\"other\""));
        assert_eq!((other.status, &other.body), (200, &first.body));
    }
}

#[test]
fn the_page_loads_nothing_and_has_everything() {
    let folder = Folder::new();
    let server = folder.start();
    let page = Client::new(server.address, None).get(PATHS[1].0);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    let text = page.text();
    for loaded in ["src=", "url(", "@import", "<link rel=\"stylesheet\"", " style=", " onclick="] {
        assert!(!text.contains(loaded), "{loaded}");
    }
    // Every link within the page leads somewhere.
    let links = text.match_indices("href=\"#").map(|(place, found)| {
        let rest = &text[place + found.len()..];
        &rest[..rest.find('"').unwrap()]
    });
    for link in links {
        assert!(text.contains(&format!("id=\"{link}\"")), "{link}");
    }
    for (path, method, says) in description(&server).operations() {
        let id = says["operationId"].as_str().unwrap();
        assert!(text.contains(&format!("id=\"{id}\"")), "{method} {path}");
    }
}
