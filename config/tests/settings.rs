//! What the settings promise: which source wins, what is refused, and how a refusal reads.
// The helpers here are tests too, which the lints' exception for test functions does not see.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use redeemd_config::{
    Effect, Error, JournalEngine, LoadOptions, LogFormat, LogLevel, Problem, RedisKind, Settings,
};

/// Options with a file of this text; the directory keeps the file alive.
fn with_file(text: &str) -> (LoadOptions, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("redeemd.toml");
    fs::write(&path, text).unwrap();
    (LoadOptions { file: Some(path), ..LoadOptions::default() }, directory)
}

fn environment(variables: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    variables.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

fn with_environment(variables: &[(&str, &str)]) -> LoadOptions {
    LoadOptions { environment: environment(variables), ..LoadOptions::default() }
}

fn with_override(key: &str, value: &str) -> LoadOptions {
    LoadOptions { overrides: vec![(key.to_owned(), value.to_owned())], ..LoadOptions::default() }
}

fn problems(options: LoadOptions) -> Vec<Problem> {
    match Settings::load(options) {
        Err(Error::Invalid(problems)) => problems,
        other => panic!("expected problems, got {other:?}"),
    }
}

fn only_problem(options: LoadOptions) -> Problem {
    let problems = problems(options);
    let [problem] = problems.as_slice() else { panic!("expected one problem: {problems:?}") };
    problem.clone()
}

#[test]
fn without_any_source_the_defaults_hold() {
    assert_eq!(Settings::load(LoadOptions::default()).unwrap(), Settings::default());
}

#[test]
fn an_empty_file_and_empty_sections_change_nothing() {
    for text in ["", "# nothing\n", "[http]\n[journal]\n"] {
        let (options, _directory) = with_file(text);
        assert_eq!(Settings::load(options).unwrap(), Settings::default());
    }
}

#[test]
fn every_default_is_accepted_when_it_is_spelt_out() {
    let (options, _directory) = with_file(include_str!("../default.toml"));
    assert_eq!(Settings::load(options).unwrap(), Settings::default());
}

#[test]
fn later_sources_win() {
    let text = "[shards]\ncount = 16\nthreads = 1\nmailbox_capacity = 100\n";
    let (mut options, _directory) = with_file(text);
    options.environment = environment(&[
        ("REDEEMD_SHARDS__THREADS", "2"),
        ("REDEEMD_SHARDS__MAILBOX_CAPACITY", "200"),
    ]);
    options.overrides = vec![("shards.mailbox_capacity".to_owned(), "300".to_owned())];
    let shards = Settings::load(options).unwrap().shards;
    let expected = (16, 2, 300, Settings::default().shards.max_in_flight);
    let found = (shards.count, shards.threads, shards.mailbox_capacity, shards.max_in_flight);
    assert_eq!(found, expected);
}

#[test]
fn every_type_can_be_set_by_the_environment() {
    let settings = Settings::load(with_environment(&[
        ("REDEEMD_DATA_DIR", "/var/lib/redeemd"),
        ("REDEEMD_HTTP__LISTEN", "[::1]:0"),
        ("REDEEMD_HTTP__OPERATIONS_LISTEN", "127.0.0.1:9100"),
        ("REDEEMD_JOURNAL__ENGINE", "sled"),
        ("REDEEMD_LIMITS__ENABLED", "false"),
        ("REDEEMD_HTTP__TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
        ("REDEEMD_LOG__FORMAT", "json"),
        ("REDEEMD_LOG__LEVEL", "warn"),
        ("REDEEMD_CLOCK__MAX_LEAP_SECONDS", "5"),
    ]))
    .unwrap();
    assert_eq!(settings.data_dir, Path::new("/var/lib/redeemd"));
    assert_eq!(settings.secret_file, Path::new("/var/lib/redeemd.secret"));
    assert_eq!(settings.http.listen, "[::1]:0".parse().unwrap());
    assert_eq!(settings.http.operations_listen, Some("127.0.0.1:9100".parse().unwrap()));
    assert_eq!(settings.journal.engine, JournalEngine::Sled);
    let proxies = ["10.0.0.0/8", "::1/128"].map(|network| network.parse().unwrap());
    assert_eq!(settings.http.trusted_proxies, proxies);
    assert!(!settings.limits.enabled);
    assert_eq!((settings.log.format, settings.log.level), (LogFormat::Json, LogLevel::Warn));
    assert_eq!(settings.clock.max_leap_seconds, 5);
}

#[test]
fn variables_that_are_no_settings_are_passed_over() {
    let options = with_environment(&[
        ("HOME", "somewhere"),
        ("REDEEMD", "x"),
        ("REDEEMD_CONFIG", "a.toml"),
        ("REDEEMD_SECRET", "s"),
        ("REDEEMD_BOOTSTRAP_ADMIN_KEY", "k"),
        ("REDEEMD_LOG", "debug"),
        ("REDEEMD_SERVER", "http://127.0.0.1:8080"),
        ("REDEEMD_TEST_KEEP", "1"),
        ("REDEEMD_SIMULATOR_SEED", "1"),
        ("REDEEMD_KILL_ROUNDS", "1"),
        ("REDEEMD_BENCH_SECONDS", "1"),
    ]);
    assert_eq!(Settings::load(options).unwrap(), Settings::default());
}

#[test]
fn unknown_keys_name_themselves_and_their_origin_but_not_their_value() {
    let (options, _directory) = with_file("[http]\nlissten = \"hidden\"\n");
    let path = options.file.clone().unwrap();
    let problem = only_problem(options);
    assert_eq!(problem.key, "http.lissten");
    assert_eq!(problem.origin, format!("the file {}", path.display()));
    assert_eq!(problem.detail, "there is no such setting; is http.listen meant?");

    let problem = only_problem(with_environment(&[("REDEEMD_SECRETT", "hidden")]));
    assert_eq!(problem.key, "secrett");
    assert_eq!(problem.origin, "the environment variable REDEEMD_SECRETT");
    assert!(!problem.to_string().contains("hidden"));

    let problem = only_problem(with_environment(&[("REDEEMD_HTTP_LISTEN", "127.0.0.1:1")]));
    assert_eq!(problem.detail, "there is no such setting; is http.listen meant?");

    let problem = only_problem(with_override("nothing.like_it", "1"));
    assert_eq!(
        problem.to_string(),
        "nothing.like_it (from the command line): there is no such setting"
    );

    let (options, _directory) = with_file("http = 5\n");
    assert_eq!(only_problem(options).detail, "is a section and holds no value of its own");
    let (options, _directory) = with_file("[postgre]\n");
    assert_eq!(only_problem(options).key, "postgre");
}

#[test]
fn wrong_types_and_values_out_of_range_are_refused() {
    let cases = [
        ("[http]\nworkers = \"4\"", "http.workers"),
        ("[http]\nworkers = -1", "http.workers"),
        ("[http]\nworkers = 4.0", "http.workers"),
        ("[http]\nworkers = 257", "http.workers"),
        ("[http]\nworkers = true", "http.workers"),
        ("[http]\nworkers = [4]", "http.workers"),
        ("[http.workers]\nall = 4", "http.workers.all"),
        ("[http]\nlisten = 8080", "http.listen"),
        ("[http]\nlisten = \"localhost:8080\"", "http.listen"),
        ("[http]\nlisten = \"127.0.0.1\"", "http.listen"),
        ("[http]\noperations_listen = \"127.0.0.1:8080\"", "http.operations_listen"),
        ("[http]\ntrusted_proxies = \"10.0.0.0/8\"", "http.trusted_proxies"),
        ("[http]\ntrusted_proxies = [10]", "http.trusted_proxies"),
        ("[http]\ntrusted_proxies = [\"10.0.0.0/33\"]", "http.trusted_proxies"),
        ("[http]\ntrusted_proxies = [\"localhost\"]", "http.trusted_proxies"),
        ("[http]\nallowed_origins = [\"shop.example.com\"]", "http.allowed_origins"),
        ("[http]\nallowed_origins = [\"https://shop.example.com/\"]", "http.allowed_origins"),
        ("[shards]\ncount = 12", "shards.count"),
        ("[shards]\ncount = 0", "shards.count"),
        ("[shards]\ncount = 2048", "shards.count"),
        ("[journal]\nengine = \"Sled\"", "journal.engine"),
        ("[journal]\nsegment_bytes = 1048575", "journal.segment_bytes"),
        ("[journal]\nsegment_bytes = 67108865", "journal.segment_bytes"),
        ("[journal]\nsegment_bytes = 1048576", "journal.max_batch_bytes"),
        ("[limits]\nenabled = \"true\"", "limits.enabled"),
        ("[limits]\nenabled = 1", "limits.enabled"),
        ("[ledger]\nmax_lag = 99999999999999999999", "ledger.max_lag"),
        (
            "[snapshots]\ninterval_entries = 0\ninterval_seconds = 0\njournal_bytes = 0",
            "snapshots.journal_bytes",
        ),
        ("data_dir = \"\"", "data_dir"),
        ("data_dir = \"/\"", "data_dir"),
        ("data_dir = 5", "data_dir"),
        ("secret_file = \"redeemd-data/secret\"", "secret_file"),
        ("secret_file = \"other/../redeemd-data/secret\"", "secret_file"),
    ];
    for (text, key) in cases {
        let (options, _directory) = with_file(text);
        match Settings::load(options) {
            Err(Error::Invalid(problems)) => {
                let keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
                assert_eq!(keys, [key], "{text}: {problems:?}");
            }
            // A number beyond the format's own range is refused by the parser.
            Err(Error::Malformed { .. }) if text.contains("9999999999") => {}
            other => panic!("{text}: {other:?}"),
        }
    }
    for (name, value) in [
        ("REDEEMD_HTTP__WORKERS", ""),
        ("REDEEMD_HTTP__WORKERS", "four"),
        ("REDEEMD_HTTP__WORKERS", "99999999999999999999999"),
        ("REDEEMD_LIMITS__ENABLED", "yes"),
        ("REDEEMD_HTTP__TRUSTED_PROXIES", "10.0.0.0/8;::1"),
        ("REDEEMD_Http__Workers", "4"),
    ] {
        only_problem(with_environment(&[(name, value)]));
    }
}

#[test]
fn a_refusal_names_the_setting_its_value_and_what_is_accepted() {
    let problem = only_problem(with_environment(&[("REDEEMD_HTTP__WORKERS", "1000")]));
    assert_eq!(
        problem.to_string(),
        "http.workers (from the environment variable REDEEMD_HTTP__WORKERS): 1000 is not \
         accepted; expected a whole number from 0 to 256"
    );
}

#[test]
fn all_problems_are_told_at_once() {
    let (mut options, _directory) = with_file("[http]\nworkers = 1000\n[nowhere]\nx = 1\n");
    options.environment = environment(&[("REDEEMD_LOG__LEVEL", "loud")]);
    options.overrides = vec![("shards.count".to_owned(), "3".to_owned())];
    let keys: Vec<String> = problems(options).into_iter().map(|problem| problem.key).collect();
    assert_eq!(keys, ["nowhere.x", "http.workers", "shards.count", "log.level"]);
}

#[test]
fn text_that_is_not_utf_8_is_refused_in_values_and_passed_over_elsewhere() {
    let broken = || OsString::from_vec(vec![0xff, 0xfe]);
    let passed_over = vec![(broken(), "x".into()), ("OTHER".into(), broken())];
    let mut options = LoadOptions { environment: passed_over, ..LoadOptions::default() };
    assert!(Settings::load(options.clone()).is_ok());
    options.environment.push(("REDEEMD_DATA_DIR".into(), broken()));
    assert_eq!(only_problem(options).detail, "is not valid UTF-8");
}

#[test]
fn files_that_cannot_be_used_say_why_on_one_line() {
    let directory = tempfile::tempdir().unwrap();
    let load = |path: PathBuf| {
        let error = Settings::load(LoadOptions { file: Some(path), ..LoadOptions::default() });
        let error = error.unwrap_err();
        assert!(!error.to_string().contains('\n'), "{error}");
        error
    };
    assert!(matches!(load(directory.path().join("absent")), Error::Unreadable { .. }));
    assert!(matches!(load(directory.path().to_owned()), Error::Unreadable { .. }));
    assert!(matches!(load("/dev/zero".into()), Error::TooLarge { .. }));

    let path = directory.path().join("broken.toml");
    fs::write(&path, "[http]\nworkers = = 4\n").unwrap();
    let reason = load(path.clone()).to_string();
    assert!(reason.contains("broken.toml") && reason.contains("line 2"), "{reason}");
    fs::write(&path, "[http]\nworkers = 1\nworkers = 2\n").unwrap();
    assert!(matches!(load(path), Error::Malformed { .. }));
}

#[test]
fn paths_are_looked_at_before_anything_opens() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a-file");
    fs::write(&file, "").unwrap();
    let data_dir = only_problem(with_override("data_dir", file.to_str().unwrap()));
    assert_eq!(data_dir.key, "data_dir");
    let secret = only_problem(with_override("secret_file", directory.path().to_str().unwrap()));
    assert_eq!(secret.key, "secret_file");

    // A secret inside the data directory is found through a link, too.
    let data_dir = directory.path().join("data");
    fs::create_dir(&data_dir).unwrap();
    fs::write(data_dir.join("secret"), "").unwrap();
    let link = directory.path().join("link");
    std::os::unix::fs::symlink(&data_dir, &link).unwrap();
    let mut options = with_override("data_dir", data_dir.to_str().unwrap());
    let secret = link.join("secret").to_str().unwrap().to_owned();
    options.overrides.push(("secret_file".to_owned(), secret));
    assert_eq!(only_problem(options).key, "secret_file");
}

#[test]
fn the_secret_lies_beside_the_data_directory_however_that_is_written() {
    for (data_dir, secret) in
        [("data", "data.secret"), ("./data/", "./data.secret"), ("/a/b.c/", "/a/b.c.secret")]
    {
        let settings = Settings::load(with_override("data_dir", data_dir)).unwrap();
        assert_eq!(settings.secret_file, Path::new(secret));
    }
}

#[test]
fn the_description_tells_every_value_and_its_origin() {
    let mut options = with_environment(&[("REDEEMD_HTTP__WORKERS", "3")]);
    options.overrides = vec![("data_dir".to_owned(), "d".to_owned())];
    let description = Settings::describe(options).unwrap();
    let text = description.to_string();
    let line_of = |key: &str| {
        let line = text.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        line_of("http.workers"),
        "http.workers = 3 # from the environment variable REDEEMD_HTTP__WORKERS"
    );
    assert_eq!(line_of("data_dir"), "data_dir = \"d\" # from the command line");
    assert_eq!(line_of("shards.count"), "shards.count = 8 # from the defaults");
    // Every key of the defaults stands there once.
    let assignments = include_str!("../default.toml")
        .lines()
        .filter(|line| !line.starts_with('#') && line.contains(" = "))
        .count();
    assert_eq!(description.settings().len(), assignments);
}

#[test]
fn changes_name_what_differs_and_when_it_counts() {
    let describe = |options| Settings::load_described(options).unwrap().1;
    let former = describe(LoadOptions::default());
    assert_eq!(describe(LoadOptions::default()).changes_since(&former), []);
    let (mut options, _directory) = with_file("[http]\ntrusted_proxies = [\"::1\"]\n");
    options.environment = environment(&[("REDEEMD_LOG__LEVEL", "debug")]);
    options.overrides = vec![("http.workers".to_owned(), "3".to_owned())];
    let changes = describe(options).changes_since(&former);
    let told: Vec<_> = changes
        .iter()
        .map(|change| {
            let (key, value) = (change.setting.key.as_str(), change.setting.value.as_str());
            (key, change.former.as_str(), value, change.effect)
        })
        .collect();
    let expected = [
        ("http.trusted_proxies", "[]", "[\"::1\"]", Effect::Live),
        ("http.workers", "0", "3", Effect::Restart),
        ("log.level", "\"info\"", "\"debug\"", Effect::Live),
    ];
    assert_eq!(told, expected);
}

#[test]
fn the_defaults_say_of_each_setting_whether_it_can_change_while_the_server_runs() {
    let mut section = String::new();
    let mut seen = 0;
    for line in include_str!("../default.toml").lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = format!("{name}.");
        } else if let Some((name, rest)) = line.split_once(" = ")
            && !line.starts_with('#')
        {
            let expected = match Effect::of(&format!("{section}{name}")) {
                Effect::Live => "(live)",
                Effect::Restart => "(restart)",
            };
            assert!(rest.ends_with(expected), "{section}{name}: {rest}");
            seen += 1;
        }
    }
    assert_eq!(seen, Settings::describe(LoadOptions::default()).unwrap().settings().len());
}

#[test]
fn redis_is_one_server_a_cluster_or_sentinels() {
    let many = "rediss://ann:hunter2@one:1,two:2";
    let (options, _directory) = with_file(&format!(
        "[redis]\nurl = \"{many}\"\nkind = \"sentinel\"\nsentinel_password = \"hunter3\"\n\
         ca_file = \"ca.pem\"\n"
    ));
    let (settings, description) = Settings::load_described(options).unwrap();
    let redis = &settings.redis;
    let url = redis.url.as_ref().unwrap();
    assert_eq!((redis.kind, url.to_string().as_str()), (RedisKind::Sentinel, "one:1, two:2"));
    assert_eq!((url.user.as_str(), url.password.expose()), ("ann", "hunter2"));
    assert_eq!((url.is_encrypted, redis.sentinel_password.expose()), (true, "hunter3"));
    for shown in [description.to_string(), format!("{description:?}"), format!("{settings:?}")] {
        assert!(shown.contains("(set, not shown)") && !shown.contains("hunter"), "{shown}");
    }
}

#[test]
fn settings_of_redis_that_do_not_go_together_are_refused() {
    let url = "redis://:hunter2@one:1,two:2";
    type Given<'a> = &'a [(&'a str, &'a str)];
    let table: [(Given<'_>, &str, &str); 7] = [
        (&[("url", "http://:hunter2@one")], "redis.url", "rediss://host:6379"),
        (&[("url", url)], "redis.kind", "cluster"),
        (&[("url", "redis://one/1"), ("kind", "cluster")], "redis.kind", "database"),
        (&[("url", "redis://one"), ("ca_file", "x")], "redis.ca_file", "rediss://"),
        (&[("url", "rediss://one"), ("key_file", "x")], "redis.certificate_file", "beside it"),
        (&[("prefix", "{a}")], "redis.prefix", "1 to 64"),
        (&[("slow_ms", "0")], "redis.slow_ms", "1 to 1000"),
    ];
    for (given, key, words) in table {
        let overrides =
            given.iter().map(|(name, value)| (format!("redis.{name}"), (*value).into()));
        let overrides = overrides.collect();
        let problem = only_problem(LoadOptions { overrides, ..LoadOptions::default() });
        assert_eq!(problem.key, key);
        assert!(problem.detail.contains(words), "{problem}");
        assert!(!problem.to_string().contains("hunter2"), "{problem}");
    }
}

#[test]
fn what_may_hold_a_password_is_never_shown() {
    let url = "postgres://redeemd:hunter2@db.example:5432/redeemd";
    let options = || with_environment(&[("REDEEMD_POSTGRES__URL", url)]);
    let (settings, description) = Settings::load_described(options()).unwrap();
    assert_eq!(settings.postgres.url.as_ref().unwrap().text.expose(), url);
    for shown in [description.to_string(), format!("{description:?}"), format!("{settings:?}")] {
        assert!(shown.contains("(set, not shown)") && !shown.contains("hunter2"), "{shown}");
    }
    for key in ["postgres.url", "postgres.replica_url"] {
        for wrong in ["mysql://redeemd:hunter2@db.example/redeemd", "hunter2"] {
            let problem = only_problem(with_override(key, wrong));
            assert!(problem.key == key && !problem.to_string().contains("hunter2"), "{problem}");
            assert!(problem.detail.contains("postgres://"), "{problem}");
        }
    }
    let replica = with_environment(&[("REDEEMD_POSTGRES__REPLICA_URL", url)]);
    let (_, description) = Settings::load_described(replica).unwrap();
    assert!(!description.to_string().contains("hunter2"), "{description}");
}

#[test]
fn settings_of_tls_to_postgres_that_do_not_go_together_are_refused() {
    let encrypted = "postgres://:hunter2@db/shop?sslmode=require";
    let plain = "postgres://:hunter2@db/shop";
    let prefer = "postgres://:hunter2@db/shop?sslmode=prefer";
    let named = "postgres://:hunter2@db/shop?sslmode=require&sslrootcert=ca.pem";
    type Given<'a> = &'a [(&'a str, &'a str)];
    let table: [(Given<'_>, &str, &str); 6] = [
        (&[("url", prefer)], "postgres.url", "prefer, allow and verify-ca"),
        (&[("url", named)], "postgres.url", "postgres.ca_file"),
        (&[("replica_url", prefer)], "postgres.replica_url", "prefer, allow and verify-ca"),
        (&[("url", plain), ("ca_file", "x")], "postgres.ca_file", "sslmode=require"),
        (
            &[("url", encrypted), ("certificate_file", "x")],
            "postgres.certificate_file",
            "a postgres.key_file beside it",
        ),
        (&[("url", encrypted), ("key_file", "x")], "postgres.certificate_file", "or neither"),
    ];
    for (given, key, words) in table {
        let overrides =
            given.iter().map(|(name, value)| (format!("postgres.{name}"), (*value).into()));
        let overrides = overrides.collect();
        let problem = only_problem(LoadOptions { overrides, ..LoadOptions::default() });
        assert_eq!(problem.key, key);
        assert!(problem.detail.contains(words), "{problem}");
        assert!(!problem.to_string().contains("hunter2"), "{problem}");
    }
}

#[test]
fn a_change_that_is_not_shown_is_a_change() {
    let long = |end: &str| format!("/{}/{end}", "x".repeat(250));
    let table = [
        ("redis.url", "redis://:hunter2@one".to_owned(), "redis://:hunter3@one".to_owned()),
        (
            "postgres.url",
            "postgres://:hunter2@db/d".to_owned(),
            "postgres://:hunter3@db/d".to_owned(),
        ),
        ("redis.sentinel_password", "hunter2".to_owned(), "hunter3".to_owned()),
        // What is shown of it ends before the difference.
        ("secret_file", long("one"), long("two")),
    ];
    for (key, former, now) in table {
        let described = |value: &str| Settings::describe(with_override(key, value)).unwrap();
        assert_eq!(described(&former).changes_since(&described(&former)), [], "{key}");
        let changes = described(&now).changes_since(&described(&former));
        let [change] = changes.as_slice() else { panic!("{key}: {changes:?}") };
        assert_eq!((change.setting.key.as_str(), change.effect), (key, Effect::Restart));
        assert!(!format!("{change:?}").contains("hunter"), "{change:?}");
    }
}
