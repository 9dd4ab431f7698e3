//! Redis over TLS, with certificates that the test makes.

use std::path::Path;

use super::{BURST, attempt, finding, folder, remaining, start};
use crate::support::{
    Client, Folder, Redis, api_key, fails_to_start, make_certificates, wait_until,
};

/// A server that trusts a certificate.
fn trusting(url: &str, folder_of: &Path, ca: &str) -> Folder {
    folder(url).set("redis.ca_file", folder_of.join(ca).to_str().unwrap())
}

fn known(folder: Folder, path: &Path) -> Folder {
    let path = |name: &str| path.join(name).to_str().unwrap().to_owned();
    folder
        .set("redis.certificate_file", &path("client.pem"))
        .set("redis.key_file", &path("client.key"))
}

#[test]
fn both_sides_are_known_by_their_certificates() {
    let outside = tempfile::tempdir().unwrap();
    let path = outside.path();
    make_certificates(path);
    let redis = Redis::start_encrypted(path);
    let url = format!("rediss://127.0.0.1:{}", redis.port);
    let folder = known(trusting(&url, path, "ca.pem"), path);
    let server = start(&folder);
    let key = api_key(&mut server.client(), "public");
    let mut client = Client::new(server.address, Some(&key));
    assert_eq!(remaining(&attempt(&mut client)), BURST - 1);
    assert_eq!(remaining(&attempt(&mut client)), BURST - 2);
}

#[test]
fn a_server_that_cannot_be_trusted_is_not_used() {
    let (outside, strange) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = outside.path();
    make_certificates(path);
    make_certificates(strange.path());
    let redis = Redis::start_encrypted(path);
    let port = redis.port;
    let table = [
        // Nobody known vouches for it; it is not the one that was asked for; we are not known to it.
        (
            "127.0.0.1",
            known(trusting(&format!("rediss://127.0.0.1:{port}"), strange.path(), "ca.pem"), path),
        ),
        ("localhost", known(trusting(&format!("rediss://localhost:{port}"), path, "ca.pem"), path)),
        ("unknown", trusting(&format!("rediss://127.0.0.1:{port}"), path, "ca.pem")),
        ("plain", folder(&format!("redis://127.0.0.1:{port}"))),
    ];
    for (name, folder) in table {
        let server = folder.start();
        wait_until("it is found", || {
            finding(&server).1 != "Redis cannot be reached: it has not answered yet"
        });
        let (found, note) = finding(&server);
        assert_eq!(found, "redis_away", "{name}: {note}");
        if ["127.0.0.1", "localhost"].contains(&name) {
            assert!(note.contains("certificate"), "{name}: {note}");
        }
        assert!(!super::is_used(&server), "{name}");
    }
}

#[test]
fn files_that_are_of_no_use_stop_the_start() {
    let outside = tempfile::tempdir().unwrap();
    let url = "rediss://127.0.0.1:1";
    let told = fails_to_start(trusting(url, outside.path(), "nothing.pem").command());
    assert!(told.contains("cannot read") && told.contains("nothing.pem"), "{told}");
    std::fs::write(outside.path().join("empty.pem"), "").unwrap();
    let told = fails_to_start(trusting(url, outside.path(), "empty.pem").command());
    assert!(told.contains("there is no certificate in"), "{told}");
}
