//! Loading the settings again while the server runs.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::Signal;
use serde_json::json;

use crate::support::{
    Client, Folder, Request, Server, campaign_with_codes, metric, redeem, wait_until,
};

pub(crate) const SUCCEEDED: &str = "redeemd_config_reloads_total{result=\"succeeded\"}";
const FAILED: &str = "redeemd_config_reloads_total{result=\"failed\"}";

/// A server with a settings file that says nothing yet.
pub(crate) fn start(folder: &Folder) -> (Server, PathBuf) {
    let file = folder.path().join("redeemd.toml");
    std::fs::write(&file, "").unwrap();
    let mut command = folder.command();
    command.env_remove("REDEEMD_LOG").arg("--config").arg(&file);
    (folder.start_with(command), file)
}

pub(crate) fn reload(server: &Server, client: &mut Client, counter: &str) {
    let before = metric(client, counter);
    server.signal(Signal::HUP);
    wait_until("the settings were loaded", || metric(client, counter) > before);
}

#[test]
fn what_can_change_changes_and_the_rest_is_named() {
    let folder = Folder::new();
    let (server, file) = start(&folder);
    let mut client = server.client();
    let large = json!({ "name": "x".repeat(2_000), "codes": { "kind": "sealed" } });
    assert_ne!(client.post("/api/v1/campaigns", &large).status, 413);
    assert!(!std::fs::read_to_string(folder.log()).unwrap().contains("redeemd::access"));

    let text = "[http]\nbody_limit_bytes = 1024\nworkers = 3\n[log]\nlevel = \"debug\"\n";
    std::fs::write(&file, text).unwrap();
    reload(&server, &mut client, SUCCEEDED);
    client.post("/api/v1/campaigns", &large).is_problem(413, "body_too_large");
    let log = std::fs::read_to_string(folder.log()).unwrap();
    assert!(log.contains("redeemd::access"), "the level changed: {log}");
    assert!(log.contains("needs a restart: http.workers"), "{log}");
    let health = client.get("/health").json();
    let configuration = &health["parts"]["configuration"];
    assert_eq!(configuration["note"], "needs a restart: http.workers", "{health}");
    assert_eq!(configuration["status"], "healthy");
    assert_eq!(metric(&mut client, "redeemd_config_restart_pending"), 1.0);
    assert!(metric(&mut client, "redeemd_config_last_reload_timestamp_seconds") > 1.7e9);

    std::fs::write(&file, "[ledger]\nmax_lag = 5000\n").unwrap();
    reload(&server, &mut client, SUCCEEDED);
    assert_ne!(client.post("/api/v1/campaigns", &large).status, 413);
    assert_eq!(metric(&mut client, "redeemd_config_restart_pending"), 0.0);
    wait_until("the sequences follow", || {
        metric(&mut client, "redeemd_ledger_lag_limit_entries") == 5_000.0
    });
}

#[test]
fn what_is_wrong_changes_nothing_and_is_named() {
    let folder = Folder::new();
    let (server, file) = start(&folder);
    let mut client = server.client();
    std::fs::write(&file, "[http]\nbody_limit_bytes = 1024\n[shards]\ncount = 3\n").unwrap();
    reload(&server, &mut client, FAILED);
    let large = json!({ "name": "x".repeat(2_000) });
    assert_ne!(client.post("/api/v1/campaigns", &large).status, 413);
    let health = client.get("/health");
    assert_eq!(health.status, 200, "degraded, and serving");
    let health = health.json();
    assert_eq!(health["status"], "degraded");
    assert_eq!(health["parts"]["configuration"]["finding"], "reload_failed");
    let log = std::fs::read_to_string(folder.log()).unwrap();
    assert!(log.contains("shards.count") && log.contains("redeemd.toml"), "{log}");
    assert_eq!(metric(&mut client, "redeemd_config_last_reload_successful"), 0.0);

    std::fs::write(&file, "").unwrap();
    reload(&server, &mut client, SUCCEEDED);
    assert_eq!(client.get("/health").json()["status"], "healthy");
}

#[test]
fn no_request_is_lost_by_it() {
    let folder = Folder::new();
    let (server, file) = start(&folder);
    let (_, codes) = campaign_with_codes(&mut server.client(), json!({}), 600);
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for codes in codes.chunks(200) {
            let (mut client, is_done) = (server.client(), &is_done);
            scope.spawn(move || {
                for code in codes {
                    assert_eq!(redeem(&mut client, code, "ada").status, 201);
                }
                is_done.store(true, Ordering::Relaxed);
            });
        }
        let mut client = server.client();
        for round in 0.. {
            let commit = 50 + round % 7;
            let text = format!(
                "[ledger]\ncommit_interval_ms = {commit}\n[shards]\nmax_in_flight = {}\n",
                1_000 + commit
            );
            std::fs::write(&file, text).unwrap();
            reload(&server, &mut client, SUCCEEDED);
            if is_done.load(Ordering::Relaxed) {
                break;
            }
        }
    });
}

#[test]
fn which_requests_are_logged_can_be_changed() {
    let folder = Folder::new();
    let (server, file) = start(&folder);
    let mut client = server.client();
    let ask = |client: &mut Client, id: &str| {
        client.send(Request::new("GET", "/api/v1/x").header("X-Request-Id", id));
        std::fs::read_to_string(folder.log()).unwrap().contains(id)
    };
    assert!(!ask(&mut client, "the-first"));
    std::fs::write(&file, "[log]\nrequests = \"all\"\n").unwrap();
    reload(&server, &mut client, SUCCEEDED);
    assert!(ask(&mut client, "the-second"));
}

#[test]
fn a_changed_secret_is_named_and_not_shown() {
    let folder = Folder::new();
    let file = folder.path().join("redeemd.toml");
    let password = |it: &str| format!("[redis]\nurl = \"redis://:{it}@127.0.0.1:1\"\n");
    std::fs::write(&file, password("hunter2")).unwrap();
    let mut command = folder.command();
    command.arg("--config").arg(&file);
    let server = folder.start_with(command);
    let mut client = server.client();
    reload(&server, &mut client, SUCCEEDED);
    assert_eq!(metric(&mut client, "redeemd_config_restart_pending"), 0.0);
    std::fs::write(&file, password("hunter3")).unwrap();
    reload(&server, &mut client, SUCCEEDED);
    let health = client.get("/health").json();
    let note = health["parts"]["configuration"]["note"].clone();
    assert_eq!(note, "needs a restart: redis.url", "{health}");
    let log = std::fs::read_to_string(folder.log()).unwrap();
    assert!(log.contains("needs a restart: redis.url") && !log.contains("hunter"), "{log}");
}
