//! Nothing that is written or logged has a code, an API key or the server's secret in it.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use redeemd::client::{Client, Request};

use super::site::{ADMIN_KEY, Site, admin, issue, make_campaign, redemption};

/// How many bytes of a word betray it. The first group of a sealed code is so long; it is the same
/// whether the code is written with dashes or without, and 60 random bits are not met by chance.
const NEEDLE: usize = 12;

#[test]
fn no_code_key_or_secret_is_written_or_logged() {
    for engine in ["segment", "sled"] {
        let mut site = Site::new(engine);
        site.launch.settings.push("log.level=trace".to_owned());
        let mut server = site.launch.start().unwrap();
        let mut client = admin(server.address);
        let (codes, mut shown) = use_codes(&mut client);
        shown.extend(operations(&mut client));
        server.kill().unwrap();
        // What starts again reads and writes everything once more, and ends as it should.
        let mut server = site.launch.start().unwrap();
        let mut client = admin(server.address);
        let late = redemption(&codes[90], "late");
        assert_eq!(
            client.send(&Request::post("/api/v1/redemptions", &late)).unwrap().status(),
            201
        );
        shown.extend(operations(&mut client));
        assert!(server.finish().unwrap().success());

        let secret_file = site.launch.data_dir.with_extension("secret");
        let secret = fs::read_to_string(&secret_file).unwrap();
        let mut words = codes;
        words.extend([ADMIN_KEY.to_owned(), "rk_wrong_but_long_enough_to_be_one".to_owned()]);
        words.extend(secret.split_whitespace().map(str::to_owned));
        let needles = Needles::of(&words);
        assert!(needles.are_in(words[7].to_lowercase().as_bytes()), "the search finds nothing");

        let files = files_in(site.folder());
        let mut searched = 0;
        for file in files.iter().filter(|file| **file != secret_file) {
            let bytes = fs::read(file).unwrap();
            searched += bytes.len();
            let place = needles.find(&bytes);
            assert_eq!(place, None, "a secret stands in {} of {engine}", file.display());
        }
        for page in &shown {
            let place = needles.find(page);
            assert_eq!(place, None, "a secret is shown: {}", String::from_utf8_lossy(page));
        }
        let log = fs::metadata(&site.launch.log).unwrap().len();
        println!(
            "{engine}: {} words, {} files of {searched} bytes, {log} of them log",
            words.len(),
            files.len()
        );
        assert!(log > 10_000 && files.len() >= 8, "there is less to search than there should be");
    }
}

/// Redeems and mistreats codes in every spelling. Gives all that there are, and what was answered
/// where no answer may show a code.
fn use_codes(client: &mut Client) -> (Vec<String>, Vec<Vec<u8>>) {
    let campaign = make_campaign(client, 2);
    let codes = issue(client, &campaign, 100);
    let mut shown = Vec::new();
    let mut send = |request: &Request<'_>, status: u16| {
        let answer = client.send(request).unwrap();
        assert_eq!(answer.status(), status, "{}", answer.summary());
        shown.push(answer.body().to_vec());
    };
    const REDEEM: &str = "/api/v1/redemptions";
    for (place, code) in codes.iter().enumerate().take(80) {
        let spelled = match place % 4 {
            0 => code.clone(),
            1 => code.to_lowercase(),
            2 => code.replace('-', ""),
            _ => code.replace('-', " ").to_lowercase(),
        };
        let body = redemption(&spelled, &format!("user-{place}"));
        let key = format!("key-{place}");
        let keyed = Request::post(REDEEM, &body).idempotency_key(Some(&key));
        send(&keyed, 201);
        send(&keyed, 201);
        send(&Request::post(REDEEM, &body), 201);
        send(&Request::post(REDEEM, &body), 409);
        send(&Request::post("/api/v1/validations", &format!(r#"{{"code":"{spelled}"}}"#)), 200);
    }
    let code = &codes[85];
    let body = redemption(code, "somebody");
    // Where a code does not belong.
    send(&Request::post(REDEEM, &body).idempotency_key(Some(code)), 201);
    send(&Request::get(&format!("{REDEEM}/{code}")), 404);
    send(&Request::get(&format!("/api/v1/campaigns/{code}")), 404);
    send(&Request::get(&format!("/{code}?code={code}")), 404);
    send(&Request::post(REDEEM, &redemption(&code.replace('-', "_"), "x")), 404);
    send(&Request::post(REDEEM, &format!("{body}}}")), 400);
    send(&Request::post(REDEEM, &body.replace("\"code\"", "\"coupon\"")), 400);
    send(&Request::post(REDEEM, &body.replace("code\":\"", "code\":[\"")), 400);
    send(&Request::post(REDEEM, &format!(r#"{{"{code}":1}}"#)), 400);
    send(&Request::post(REDEEM, &body).accept("image/png"), 406);
    send(&Request::get(&format!("{campaign}/codes?first_index={code}")), 400);
    let mut export = Vec::new();
    let path = format!("{campaign}/codes");
    let request = Request::get(&path).accept("application/x-ndjson");
    assert_eq!(client.send_to(&request, &mut export).unwrap().status(), 200);
    assert!(Needles::of(&codes).are_in(&export));
    (codes, shown)
}

/// What those who run the server see, and what somebody gets who has a wrong key.
fn operations(client: &mut Client) -> Vec<Vec<u8>> {
    let pages = ["/metrics", "/health", "/health/ready"];
    let mut shown: Vec<_> = pages
        .iter()
        .map(|page| {
            let page = client.send(&Request::get(page)).unwrap();
            assert_eq!(page.status(), 200);
            page.body().to_vec()
        })
        .collect();
    let wrong = Request::get("/api/v1/campaigns")
        .header("Authorization", "Bearer rk_wrong_but_long_enough_to_be_one");
    let mut stranger = Client::new(client.target().clone());
    let refused = stranger.send(&wrong).unwrap();
    assert_eq!(refused.status(), 401);
    shown.push(refused.body().to_vec());
    shown
}

/// Words to be found, by how they begin, in either case.
struct Needles(HashSet<[u8; NEEDLE]>);

impl Needles {
    fn of(words: &[String]) -> Self {
        let needle = |word: &String| {
            let word = word.to_ascii_uppercase();
            // The beginning of a key says only that it is one, so its end is looked for.
            let word = word.as_bytes();
            let part =
                if word.starts_with(b"RK_") { word.last_chunk() } else { word.first_chunk() };
            *part.unwrap_or_else(|| panic!("a word of {} characters is too short", word.len()))
        };
        Self(words.iter().filter(|word| word.len() >= NEEDLE).map(needle).collect())
    }

    fn find(&self, text: &[u8]) -> Option<usize> {
        let text = text.to_ascii_uppercase();
        text.windows(NEEDLE).position(|window| {
            // Long runs of zeros make up most of what is searched.
            window[0] != 0 && self.0.contains(window)
        })
    }

    fn are_in(&self, text: &[u8]) -> bool {
        self.find(text).is_some()
    }
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(files_in(&path)),
            false => files.push(path),
        }
    }
    files
}
