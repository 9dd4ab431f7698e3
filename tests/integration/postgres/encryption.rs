//! PostgreSQL over TLS, with certificates that the test makes.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::agreement::agree;
use super::arrival::{folder, redeem_many};
use super::rebuild::rebuilt;
use super::verify::settle;
use crate::support::{
    Ended, Folder, PgBouncer, Postgres, Server, campaign_with_codes, command, fails_to_start,
    make_certificates, make_expired_certificate, shared_postgres, wait_until,
};

/// Whoever comes first wins: the tests themselves; one with a password; one whose certificate is
/// asked for; nobody else.
const RULES: &str = "host all postgres 127.0.0.1/32 trust
hostssl all ada 127.0.0.1/32 scram-sha-256
hostssl all cyd 127.0.0.1/32 trust clientcert=verify-ca
";

/// A server with TLS and the certificates that belong to it.
struct Encrypted {
    certificates: tempfile::TempDir,
    postgres: Postgres,
}

impl Encrypted {
    fn start() -> Self {
        let certificates = tempfile::tempdir().unwrap();
        make_certificates(certificates.path());
        let postgres = Postgres::start_encrypted(certificates.path(), RULES);
        let database = postgres.existing(&postgres.url("postgres"));
        database.ask("CREATE ROLE ada SUPERUSER LOGIN PASSWORD 'hunter2'");
        database.ask("CREATE ROLE cyd SUPERUSER LOGIN");
        Self { certificates, postgres }
    }

    /// The path of a file with a certificate or a key.
    fn file(&self, name: &str) -> String {
        self.certificates.path().join(name).to_str().unwrap().to_owned()
    }
}

/// The URL of a database for another user, with parameters.
fn url(of: &str, user: &str, parameters: &str) -> String {
    let (_, place) = of.split_once('@').unwrap();
    format!("postgres://{user}@{place}?{parameters}")
}

/// A folder whose server trusts whom a certificate vouches for.
fn trusting(url: &str, ca: &str) -> Folder {
    folder(url).set("postgres.ca_file", ca)
}

/// The same, where the database knows the server by a certificate, too.
fn known(folder: Folder, path: &Path) -> Folder {
    let path = |name: &str| path.join(name).to_str().unwrap().to_owned();
    folder
        .set("postgres.certificate_file", &path("client.pem"))
        .set("postgres.key_file", &path("client.key"))
}

/// What health finds of the database, and the note beside it.
fn finding(server: &Server) -> (String, String) {
    let part = server.client().get("/health").json()["parts"]["postgres"].clone();
    let text = |name: &str| part[name].as_str().unwrap_or_default().to_owned();
    (text("finding"), text("note"))
}

/// Insists that a server finds its database not to be trusted, or not to trust it, with these words.
#[track_caller]
fn refused(folder: &Folder, words: &str) {
    let server = folder.start();
    wait_until("it has tried", || !finding(&server).0.is_empty());
    let (found, note) = finding(&server);
    assert_eq!(found, "postgres_refused", "{words}: {note}");
    assert!(note.starts_with("TLS: ") && note.contains(words), "{words}: {note}");
    let ended = folder.run(&["postgres", "migrate"]);
    ended.failed_with("TLS: ");
    ended.failed_with(words);
}

#[test]
fn everything_goes_over_tls_and_a_password_is_bound_to_it() {
    let encrypted = Encrypted::start();
    let database = encrypted.postgres.database();
    // Were the driver not bound to the certificate that it saw, it would end here.
    let url = url(&database.url(), "ada:hunter2", "channel_binding=require&sslmode=verify-full");
    let wrong = trusting(&url.replace("hunter2", "hunter3"), &encrypted.file("ca.pem"));
    wrong.run(&["postgres", "migrate"]).failed_with("28P01");
    let folder = trusting(&url, &encrypted.file("ca.pem"));
    let (code, said) = (folder.run(&["postgres", "migrate"]), "from version 0");
    assert!(code.done().contains(said), "{code:?}");
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 300);
    redeem_many(&mut client, &codes[..200], "ada");
    assert_eq!(agree(&mut client, &database), 200);
    let plain = "SELECT count(*) FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)
         WHERE application_name = 'redeemd' AND ssl = ";
    assert_ne!(database.ask(&format!("{plain} true")), "0");
    assert_eq!(database.ask(&format!("{plain} false")), "0");

    // The commands, which each make connections of their own. Ada is let in with TLS alone.
    assert_eq!(folder.run(&["postgres", "set-aside", "list"]).code, 0);
    settle(&folder, &server);
    assert!(server.terminate().success());
    std::fs::remove_dir_all(folder.data()).unwrap();
    rebuilt(&folder);
    let server = folder.start();
    redeem_many(&mut server.client(), &codes[200..], "bob");
    assert_eq!(agree(&mut server.client(), &database), 300);
    let log = std::fs::read_to_string(folder.log()).unwrap();
    assert!(!log.contains("hunter2"), "{log}");
}

#[test]
fn a_pooler_may_ask_for_tls() {
    let certificates = tempfile::tempdir().unwrap();
    let file = |name: &str| certificates.path().join(name);
    make_certificates(certificates.path());
    let database = shared_postgres().database();
    let pooler = PgBouncer::start_encrypted(&database, &file("server.pem"), &file("server.key"));
    let url = format!("{}?sslmode=require", pooler.url());
    let folder = trusting(&url, file("ca.pem").to_str().unwrap());
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 100);
    redeem_many(&mut client, &codes, "ada");
    assert_eq!(agree(&mut client, &database), 100);
}

#[test]
fn nobody_is_talked_to_who_cannot_be_trusted() {
    let certificates = tempfile::tempdir().unwrap();
    let strange = tempfile::tempdir().unwrap();
    make_certificates(certificates.path());
    make_certificates(strange.path());
    make_expired_certificate(certificates.path());
    let file = |name: &str| certificates.path().join(name);
    let ca = file("ca.pem").to_str().unwrap().to_owned();
    let database = shared_postgres().database();
    let pooler = |name: &str| {
        let [certificate, key] = ["pem", "key"].map(|end| file(&format!("{name}.{end}")));
        PgBouncer::start_encrypted(&database, &certificate, &key)
    };
    let (good, over) = (pooler("server"), pooler("expired"));
    let encrypted = |pooler: &PgBouncer| format!("{}?sslmode=require", pooler.url());
    let strangers_ca = strange.path().join("ca.pem").to_str().unwrap().to_owned();
    refused(&trusting(&encrypted(&good), &strangers_ca), "UnknownIssuer");
    // It is looked for where it is, and not under the name that its certificate has.
    let elsewhere = encrypted(&good).replace("@127.0.0.1", "@localhost");
    let elsewhere = format!("{elsewhere}&hostaddr=127.0.0.1");
    refused(&trusting(&elsewhere, &ca), "not valid for name \"localhost\"");
    refused(&trusting(&encrypted(&over), &ca), "Expired");
    let without_tls = url(&database.url(), "postgres", "sslmode=require");
    refused(&trusting(&without_tls, &ca), "server does not support TLS");
    // Not even tables were made.
    assert_eq!(database.ask("SELECT to_regnamespace('redeemd') IS NULL"), "t");
}

#[test]
fn a_database_may_ask_who_comes() {
    let encrypted = Encrypted::start();
    let database = encrypted.postgres.database();
    let strange = tempfile::tempdir().unwrap();
    make_certificates(strange.path());
    let url = url(&database.url(), "cyd", "sslmode=require");
    let ca = encrypted.file("ca.pem");
    let unknown = trusting(&url, &ca);
    let server = unknown.start();
    wait_until("health says so", || finding(&server).0 == "postgres_refused");
    let (_, note) = finding(&server);
    assert!(note.contains("28000") && note.contains("valid client certificate"), "{note}");
    drop(server);
    let strange = known(trusting(&url, &ca), strange.path());
    let server = strange.start();
    // Now and then it hangs up before we have heard why.
    wait_until("health says so", || finding(&server).1.contains("UnknownCA"));
    assert_eq!(finding(&server).0, "postgres_refused");
    drop(server);

    let folder = known(trusting(&url, &ca), encrypted.certificates.path());
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 50);
    redeem_many(&mut client, &codes, "ada");
    assert_eq!(agree(&mut client, &database), 50);
}

#[test]
fn without_a_file_those_of_the_system_vouch() {
    let certificates = tempfile::tempdir().unwrap();
    // As the document has it made: for itself, with nobody else behind it.
    let document = include_str!("../../../docs/POSTGRES.md");
    let line = document.lines().find(|line| line.starts_with("openssl req")).unwrap();
    let line = line.replace("db.example", "localhost").replace("10.0.0.5", "127.0.0.1");
    let made = Command::new("sh").args(["-c", &line]).current_dir(certificates.path()).output();
    assert!(made.unwrap().status.success(), "{line}");
    let [certificate, key] =
        ["server.crt", "server.key"].map(|name| certificates.path().join(name));
    let database = shared_postgres().database();
    let pooler = PgBouncer::start_encrypted(&database, &certificate, &key);
    let folder = folder(&format!("{}?sslmode=require", pooler.url()));
    let trusts = |file: &Path| {
        let mut command = folder.command();
        command.env("SSL_CERT_FILE", file);
        command
    };
    let said = fails_to_start(trusts(Path::new("/nonexistent.pem")));
    assert!(said.contains("[postgres]") && said.contains("ca_file"), "{said}");
    let server = folder.start_with(trusts(&certificate));
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 50);
    redeem_many(&mut client, &codes, "ada");
    assert_eq!(agree(&mut client, &database), 50);
}

#[test]
fn what_cannot_be_used_stops_the_start_and_is_named() {
    let certificates = tempfile::tempdir().unwrap();
    let path = certificates.path();
    make_certificates(path);
    std::fs::write(path.join("empty.pem"), "").unwrap();
    let mark = "-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----\n";
    std::fs::write(path.join("torn.pem"), mark).unwrap();
    let ca = |name: &str| {
        let file = path.join(name).to_str().unwrap().to_owned();
        trusting("postgres://me:hunter2@127.0.0.1:1/d?sslmode=require", &file)
    };
    let keys = |certificate: &str, key: &str| {
        let file = |name: &str| path.join(name).to_str().unwrap().to_owned();
        ca("ca.pem")
            .set("postgres.certificate_file", &file(certificate))
            .set("postgres.key_file", &file(key))
    };
    let socket = "postgres://me:hunter2@%2Frun%2Fpostgresql/d?sslmode=require";
    let prefer = "postgres://me:hunter2@127.0.0.1:1/d?sslmode=prefer";
    let table = [
        (ca("nothing.pem"), "nothing.pem"),
        (ca("empty.pem"), "there is no certificate in"),
        (ca("torn.pem"), "certificates of who may vouch"),
        (keys("client.pem", "client.pem"), "there is no private key in"),
        (keys("client.pem", "server.key"), "certificate of our own with its key"),
        (trusting(socket, &path.join("ca.pem").display().to_string()), "names a socket"),
        (folder(prefer), "prefer, allow and verify-ca"),
    ];
    for (folder, words) in table {
        let said = fails_to_start(folder.command());
        assert!(said.contains(words) && !said.contains("hunter2"), "{words}: {said}");
    }
    let mut check = command(&["config", "check"]);
    let check = Ended::of(check.env("REDEEMD_POSTGRES__URL", prefer).output().unwrap());
    assert_eq!(check.code, 1, "{check:?}");
    assert!(check.err.contains("prefer, allow and verify-ca"), "{check:?}");
    assert!(!check.err.contains("hunter2"), "{check:?}");
}
