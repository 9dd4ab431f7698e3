//! The files in `deploy/`, held against what the server really does.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use redeemd::operation::Finding;
use serde_json::{Value, json};

use crate::support::{
    ADMIN_KEY, Client, Folder, Request, Server, api_key, campaign_with_codes, metric, redeem,
    redeem_keyed, wait_until,
};

fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A server that has met what makes metrics appear.
fn busy_server(folder: &Folder) -> Server {
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 2);
    redeem_keyed(&mut client, &codes[0], "ada", "k");
    redeem_keyed(&mut client, &codes[0], "ada", "k");
    redeem(&mut client, &codes[0], "bob");
    client.get("/nowhere");
    wait_until("the ledger commits", || {
        metric(&mut client, "redeemd_ledger_commit_duration_seconds_count") >= 1.0
    });
    server
}

/// The samples of a page, by name without labels.
fn samples(page: &str) -> BTreeSet<&str> {
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split(['{', ' ']).next()).collect()
}

/// The names in an expression that are metrics of ours or of the process.
fn names(expression: &str) -> impl Iterator<Item = &str> {
    let is_part = |character: char| character.is_ascii_alphanumeric() || "_:".contains(character);
    let words = expression.split(move |character| !is_part(character));
    words.filter(|word| word.starts_with("redeemd_") || word.starts_with("process_"))
}

/// Every `expr` of the alert rules, folded ones included.
fn alert_expressions(rules: &str) -> Vec<String> {
    let mut expressions: Vec<String> = Vec::new();
    let mut folded = None;
    for line in rules.lines() {
        let depth = line.len() - line.trim_start().len();
        if let Some(limit) = folded {
            if depth > limit {
                expressions.last_mut().unwrap().push_str(line);
                continue;
            }
            folded = None;
        }
        if let Some(rest) = line.trim_start().strip_prefix("expr:") {
            expressions.push(rest.trim_start_matches([' ', '>', '-']).to_owned());
            folded = rest.trim().starts_with('>').then_some(depth);
        }
    }
    expressions
}

/// Every value of a key, however deep.
fn values_of<'a>(document: &'a Value, key: &str, found: &mut Vec<&'a str>) {
    match document {
        Value::Array(items) => items.iter().for_each(|item| values_of(item, key, found)),
        Value::Object(members) => {
            for (name, value) in members {
                match value.as_str() {
                    Some(text) if name == key => found.push(text),
                    _ => values_of(value, key, found),
                }
            }
        }
        _ => {}
    }
}

#[test]
fn dashboards_and_alerts_name_metrics_that_are_exported() {
    let folder = Folder::new();
    let server = busy_server(&folder);
    let page = server.client().get("/metrics");
    let exported = samples(page.text());

    let rules = alert_expressions(&file("deploy/prometheus/alerts.yml"));
    assert_eq!(rules.len(), file("deploy/prometheus/alerts.yml").matches("- alert:").count());
    let dashboard: Value = serde_json::from_str(&file("deploy/grafana/redeemd.json")).unwrap();
    let mut panels = Vec::new();
    values_of(&dashboard, "expr", &mut panels);
    values_of(&dashboard["templating"], "query", &mut panels);
    assert!(panels.len() > 40, "{}", panels.len());
    for expression in rules.iter().map(String::as_str).chain(panels) {
        let mut names = names(expression).peekable();
        let is_of_prometheus = expression.starts_with("up{");
        assert!(names.peek().is_some() || is_of_prometheus, "{expression}");
        for name in names {
            assert!(exported.contains(name), "{name} of {expression} is not exported");
        }
    }
}

/// What is exported for whoever asks for it, and neither shown nor watched: what something else
/// says as well, or what nobody needs at night.
const UNSHOWN: [&str; 13] = [
    "redeemd_config_last_reload_timestamp_seconds",
    "redeemd_config_reloads_total",
    "redeemd_events_sent_total",
    "redeemd_ledger_cache_limit_bytes",
    "redeemd_postgres_backlog_full",
    "redeemd_postgres_batch_limit_rows",
    "redeemd_postgres_configured",
    "redeemd_postgres_rebuilt_total",
    "redeemd_redis_configured",
    "redeemd_sequence_changes_total",
    "redeemd_sequence_ledger_entry",
    "redeemd_sequence_snapshot_entry",
    "redeemd_stage",
];

#[test]
fn every_metric_is_on_the_dashboard_or_said_not_to_be() {
    let folder = Folder::new();
    let server = busy_server(&folder);
    let page = server.client().get("/metrics");
    let dashboard: Value = serde_json::from_str(&file("deploy/grafana/redeemd.json")).unwrap();
    let mut panels = Vec::new();
    values_of(&dashboard, "expr", &mut panels);
    let without_part = |name: &str| {
        let parts = ["_bucket", "_count", "_sum"];
        parts.iter().find_map(|part| name.strip_suffix(part)).unwrap_or(name).to_owned()
    };
    let shown: BTreeSet<String> = panels.into_iter().flat_map(names).map(without_part).collect();
    let exported: BTreeSet<String> = samples(page.text()).into_iter().map(without_part).collect();
    for name in exported.iter().filter(|name| name.starts_with("redeemd_")) {
        let is_unshown = UNSHOWN.contains(&name.as_str());
        assert_ne!(shown.contains(name), is_unshown, "{name}");
    }
    assert!(UNSHOWN.iter().all(|name| exported.contains(*name)));
}

#[test]
fn panels_have_names_of_their_own_and_stand_beside_each_other() {
    let dashboard: Value = serde_json::from_str(&file("deploy/grafana/redeemd.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "two panels have one id");
    let mut taken = BTreeSet::new();
    for panel in panels {
        let [x, y, width, height] =
            ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
        assert!(x + width <= 24, "{}", panel["title"]);
        for cell in (x..x + width).flat_map(|x| (y..y + height).map(move |y| (x, y))) {
            assert!(taken.insert(cell), "{} lies over another", panel["title"]);
        }
    }
}

#[test]
fn every_alert_and_every_finding_of_health_is_in_the_runbook() {
    let operations = file("docs/OPERATIONS.md");
    let headings: BTreeSet<&str> =
        operations.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let rules = file("deploy/prometheus/alerts.yml");
    for alert in rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        assert!(headings.contains(alert), "{alert} has no section");
        let anchor = format!("docs/OPERATIONS.md#{}\"", alert.to_lowercase());
        assert!(rules.contains(&anchor), "{alert} does not lead to its section");
    }
    let sections = operations.split("\n### `").skip(1).map(|section| {
        let (name, text) = section.split_once("`\n").unwrap();
        (name, text.split("\n#").next().unwrap())
    });
    let of_findings: BTreeMap<&str, &str> = sections.collect();
    let names = Finding::ALL.map(Finding::name);
    assert_eq!(of_findings.keys().copied().collect::<BTreeSet<_>>(), names.into());
    // Each begins with where health shows it and how bad it is there, and then says what to do.
    for finding in Finding::ALL {
        let text = of_findings[finding.name()];
        let first = text.split(['.', ':']).next().unwrap().replace("**", "");
        let begins = format!(", {}", finding.health().name());
        let name = finding.name();
        assert!(first.starts_with("Part `") && first.ends_with(&begins), "{name}: {first}");
        assert!(text.len() > first.len() + 50, "{name} says nothing of what to do");
    }
}

/// The rules of Prometheus for names and types (prometheus.io/docs/practices/naming), as far as
/// they can be told without knowing what is measured.
#[test]
fn metrics_follow_the_conventions() {
    let folder = Folder::new();
    let server = busy_server(&folder);
    let page = server.client().get("/metrics");
    let mut kinds = BTreeMap::new();
    let mut helps = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for line in page.text().lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(kinds.insert(name, kind).is_none(), "{name} is there twice");
            assert!(helps.contains(name), "{name} says its type before what it is");
            match kind {
                "counter" => assert!(name.ends_with("_total"), "{name}"),
                "gauge" => assert!(!name.ends_with("_total"), "{name}"),
                "histogram" => assert!(name.ends_with("_seconds"), "{name}"),
                other => panic!("{name} is a {other}"),
            }
            for unit in ["_ms", "_milliseconds", "_microseconds", "_kb", "_mb", "_percent"] {
                assert!(!name.contains(unit), "{name} is not in a base unit");
            }
        } else if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(help.ends_with('.'), "{name}: {help}");
            helps.insert(name);
        } else {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().is_ok(), "{line}");
            assert!(seen.insert(sample), "{sample} is there twice");
            let name = sample.split('{').next().unwrap();
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|part| {
                name.strip_suffix(part).filter(|family| kinds.get(family) == Some(&"histogram"))
            });
            assert!(kinds.contains_key(family.unwrap_or(name)), "{name} has no type");
        }
    }
    // The collector of the process is not ours, and says no full stop.
    assert!(kinds.keys().filter(|name| name.starts_with("redeemd_")).count() > 30);
}

/// nginx with the configuration of `deploy/`, in front of a server of ours.
struct Proxy {
    child: Child,
    address: SocketAddr,
}

impl Proxy {
    fn start(folder: &Path, upstream: SocketAddr) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        let path = Self::configure(folder, address, upstream);
        drop(free);
        let checked = Self::command(&path).arg("-t").output().expect("nginx (Debian: nginx-light)");
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
        let child = Self::command(&path).stdin(Stdio::null()).spawn().unwrap();
        let proxy = Self { child, address };
        wait_until("nginx listens", || std::net::TcpStream::connect(address).is_ok());
        proxy
    }

    fn configure(folder: &Path, address: SocketAddr, upstream: SocketAddr) -> PathBuf {
        let here = folder.display();
        let given = file("deploy/nginx/redeemd.conf");
        let replaced = given
            .replace("server redeemd:8080", &format!("server {upstream}"))
            .replace("listen 80;", &format!("listen {address};"))
            .replace("/dev/stdout", &format!("{here}/access.log"));
        assert_eq!(replaced.matches(&folder.display().to_string()).count(), 1);
        let text = format!(
            "daemon off;\nmaster_process off;\npid {here}/nginx.pid;\n\
             error_log {here}/error.log info;\nevents {{}}\nhttp {{\n\
             client_body_temp_path {here}/body;\nproxy_temp_path {here}/proxy;\n\
             fastcgi_temp_path {here}/fastcgi;\nuwsgi_temp_path {here}/uwsgi;\n\
             scgi_temp_path {here}/scgi;\n{replaced}\n}}\n"
        );
        let path = folder.join("nginx.conf");
        std::fs::write(&path, text).unwrap();
        path
    }

    fn command(configuration: &Path) -> Command {
        let mut command = Command::new("nginx");
        command.arg("-p").arg(configuration.parent().unwrap()).arg("-c").arg(configuration);
        command.arg("-e").arg(configuration.with_file_name("error.log"));
        command
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn nginx_passes_requests_on_as_they_are() {
    let folder = Folder::new();
    let server = folder.start();
    let outside = tempfile::tempdir().unwrap();
    let proxy = Proxy::start(outside.path(), server.address);
    let mut client = Client::undescribed(proxy.address, Some(ADMIN_KEY));
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 2);
    let answer = redeem_keyed(&mut client, &codes[0], "ada", "k");
    assert_eq!(answer.status, 201);
    assert!(answer.header("x-request-id").is_some_and(|id| id.len() == 32), "{answer:?}");
    let named = Request::new("GET", "/api/v1/x").header("X-Request-Id", "of-the-client");
    let named = client.send(named);
    named.is_problem(404, "not_found");
    assert_eq!(named.header("x-request-id"), Some("of-the-client"));
    assert_eq!(client.get("/health/ready").status, 200);
    assert_eq!(client.get("/metrics").status, 404, "not for everybody");
    let kept = metric(&mut server.client(), "redeemd_http_connections_accepted_total");
    assert!(kept < 12.0, "nginx keeps its connections: {kept}");
    let log = std::fs::read_to_string(folder.log()).unwrap();
    assert!(log.contains("of-the-client"));
}

#[test]
fn clients_of_nginx_are_told_apart() {
    let folder = Folder::new().set("http.trusted_proxies", "127.0.0.1");
    let server = folder.start();
    let outside = tempfile::tempdir().unwrap();
    let proxy = Proxy::start(outside.path(), server.address);
    let key = api_key(&mut server.client(), "public");
    for origin in [1, 2, 2] {
        let mut client = Client::undescribed(proxy.address, Some(&key));
        client = client.at(std::net::Ipv4Addr::new(127, 0, 0, origin));
        // What a client says of itself does not pass nginx.
        let request = Request::new("POST", "/api/v1/validations");
        let request = request.header("X-Forwarded-For", "192.0.2.1");
        let answer = client.send(request.json(&json!({ "code": "NO-SUCH-CODE" })));
        assert!(answer.header("ratelimit-remaining").is_some(), "{answer:?}");
    }
    // One of them has the address of nginx itself, which is believed where it says so.
    assert_eq!(metric(&mut server.client(), "redeemd_rate_limit_clients"), 2.0);
}
