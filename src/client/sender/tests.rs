//! The client against servers that say what a script has for them.

use std::io::Read as _;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::thread;

use super::*;

/// A server that says these pieces, one for each request that it reads, and what it read. An
/// empty piece ends the connection, and the next piece is said on a new one.
fn scripted(pieces: &'static [&'static [u8]]) -> (SocketAddr, thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let mut requests = Vec::new();
        let (mut stream, _) = listener.accept().unwrap();
        for (place, piece) in pieces.iter().enumerate() {
            let mut buffer = [0; 4096];
            let length = stream.read(&mut buffer).unwrap();
            requests.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
            stream.write_all(piece).unwrap();
            if piece.is_empty() && place + 1 < pieces.len() {
                drop(stream);
                (stream, _) = listener.accept().unwrap();
            }
        }
        requests
    });
    (address, server)
}

#[test]
fn one_connection_serves_answers_of_every_framing() {
    let (address, server) = scripted(&[
        b"HTTP/1.1 201 Created\r\ncontent-length: 11\r\nX-Thing: a\r\n\r\n{\"id\":\"x1\"}",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
          4\r\ncode\r\n2;x=y\r\n\n1\r\n0\r\nTrailer: t\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 409 Conflict\r\nContent-Length: 27\r\n\r\n{\"code\":\"already_redeemed\"}",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end",
    ]);
    let mut client = Client::new(address).with_key("rk_secret");
    let post = Request::post("/a", "{}").idempotency_key(Some("k"));
    let made = client.send(&post).unwrap();
    assert_eq!((made.status(), made.header("x-thing")), (201, Some("a")));
    assert_eq!(made.json().unwrap()["id"], "x1");
    let mut output = Vec::new();
    client.send_to(&Request::get("/b").accept("text/csv"), &mut output).unwrap();
    assert_eq!(output, b"code\n1");
    assert_eq!(client.send(&Request::get("/c")).unwrap().status(), 204);
    output.clear();
    let refused = client.send_to(&Request::get("/d"), &mut output).unwrap();
    assert_eq!(refused.problem().as_deref(), Some("already_redeemed"));
    assert_eq!((refused.summary(), output.len()), ("409 already_redeemed".to_owned(), 0));
    let last = client.send(&Request::get("/e")).unwrap();
    assert_eq!(last.body(), b"to the end");
    let requests = server.join().unwrap();
    assert!(requests[0].contains("Authorization: Bearer rk_secret\r\n"), "{}", requests[0]);
}

#[test]
fn a_request_is_written_as_http_says() {
    let mut wire = Vec::new();
    let request = Request::post("/x?y=1", "{\"a\":1}").idempotency_key(Some("k 1"));
    request.write("h:1", Some("rk_1"), None, &mut wire);
    let expected = "POST /x?y=1 HTTP/1.1\r\nHost: h:1\r\nAuthorization: Bearer rk_1\r\n\
                    Content-Type: application/json\r\nIdempotency-Key: k 1\r\n\
                    Content-Length: 7\r\n\r\n{\"a\":1}";
    assert_eq!(String::from_utf8(wire).unwrap(), expected);
}

#[test]
fn a_body_is_sent_as_it_is_read() {
    const FINE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    for (length, framed) in [
        (Some(4), "Content-Length: 4\r\n\r\nab\nc"),
        (None, "Transfer-Encoding: chunked\r\n\r\n4\r\nab\nc\r\n0\r\n\r\n"),
    ] {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let mut client = Client::new(listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut request, mut byte) = (Vec::new(), [0]);
            while !request.ends_with(framed.as_bytes()) {
                stream.read_exact(&mut byte).unwrap();
                request.push(byte[0]);
            }
            stream.write_all(FINE).unwrap();
            String::from_utf8(request).unwrap()
        });
        let mut input = &b"ab\nc"[..];
        let request = Request::post_upload("/i", "text/csv").idempotency_key(Some("k"));
        client.upload(&request, Upload::new(&mut input, length)).unwrap();
        let request = server.join().unwrap();
        assert!(request.starts_with("POST /i HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("Content-Type: text/csv\r\nIdempotency-Key: k\r\n"));
    }
    let (address, _server) = scripted(&[b"HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n"]);
    let mut short = &b"ab"[..];
    let upload = Upload::new(&mut short, Some(3));
    let error = Client::new(address).upload(&Request::post_upload("/", "text/csv"), upload);
    assert!(matches!(error, Err(Error::Input(_))), "{error:?}");
}

#[test]
fn a_refusal_before_the_end_of_a_body_is_heard() {
    let (address, server) = scripted(&[
        b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 26\r\n\r\n{\"code\":\"unauthenticated\"}",
    ]);
    // The server hangs up without reading on, whatever is still to come.
    let mut endless = std::io::repeat(b'x');
    let upload = Upload::new(&mut endless, Some(1 << 40));
    let answer = Client::new(address).upload(&Request::post_upload("/", "text/csv"), upload);
    // A reset may overtake the answer; then nothing is known, which must not pass for success.
    match answer {
        Ok(answer) => assert_eq!(answer.problem().as_deref(), Some("unauthenticated")),
        Err(error) => assert!(error.is_transient(), "{error}"),
    }
    server.join().unwrap();
}

#[test]
fn a_socket_of_this_machine_is_as_good() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut buffer = [0; 4096];
        let length = stream.read(&mut buffer).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    });
    let answer = Client::new(Target::Socket(path)).send(&Request::get("/x")).unwrap();
    assert_eq!(answer.body(), b"ok");
    assert!(server.join().unwrap().contains("Host: localhost\r\n"));
}

#[test]
fn what_only_reads_is_sent_again_on_a_new_connection_and_nothing_else_is() {
    const FINE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let (address, server) = scripted(&[FINE, b"", FINE, b""]);
    let mut client = Client::new(address);
    client.send(&Request::get("/1")).unwrap();
    client.send(&Request::get("/2")).unwrap();
    let error = client.send(&Request::post("/3", "{}")).unwrap_err();
    assert!(matches!(error, Error::Lost(_)), "{error}");
    let requests = server.join().unwrap();
    assert!(requests[1].starts_with("GET /2") && requests[2].starts_with("GET /2"));
}

#[test]
fn what_is_broken_is_told_apart() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let nowhere = listener.local_addr().unwrap();
    drop(listener);
    let refused = Client::new(nowhere).send(&Request::get("/")).unwrap_err();
    assert!(matches!(refused, Error::Refused { .. }), "{refused}");

    type Expected = fn(&Error) -> bool;
    let cut_off: Expected = |error| matches!(error, Error::CutOff(_));
    let malformed: Expected = |error| matches!(error, Error::Malformed(_));
    let cases: [(&'static [&'static [u8]], Expected); 8] = [
        (&[b""], |error| matches!(error, Error::Lost(_))),
        (&[b"HTTP/1.1 20"], cut_off),
        (&[b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"], cut_off),
        (&[b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"], cut_off),
        (&[b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"], malformed),
        (&[b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"], malformed),
        (&[b"220 mail.example ESMTP\r\n\r\n"], malformed),
        (&[b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n"], malformed),
    ];
    for (pieces, is_expected) in cases {
        let (address, server) = scripted(pieces);
        let error = Client::new(address).send(&Request::post("/", "{}")).unwrap_err();
        assert!(is_expected(&error), "{error:?} for {pieces:?}");
        server.join().unwrap();
    }
}

#[test]
fn silence_has_an_end() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let mut client =
        Client::new(listener.local_addr().unwrap()).with_patience(Duration::from_millis(20));
    let error = client.send(&Request::get("/")).unwrap_err();
    assert_eq!(error.to_string(), "no answer within 0.02 s");
}
