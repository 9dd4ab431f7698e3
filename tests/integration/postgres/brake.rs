//! A database that refuses everything for its content does not get the whole stream set aside.

use serde_json::json;

use super::agreement::agree_on_everything;
use super::arrival::{folder, redeem_many};
use crate::support::{Client, campaign_with_codes, metric, shared_postgres, wait_until};

#[test]
fn where_everything_is_refused_little_is_set_aside_and_the_rest_arrives_by_itself() {
    let database = shared_postgres().database();
    let folder = folder(&database.url());
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 2_500);
    redeem_many(&mut client, &codes[..500], "ada");
    agree_on_everything(&mut client, &database);
    database.ask(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN RAISE 'not today'; END $$;
         CREATE TRIGGER refuse BEFORE INSERT ON redeemd.redemptions
             FOR EACH ROW EXECUTE FUNCTION refuse()",
    );
    redeem_many(&mut client, &codes[500..], "bob");
    let part = |client: &mut Client| client.get("/health").json()["parts"]["postgres"].clone();
    wait_until("it is noticed", || part(&mut client)["finding"] == "postgres_refuses_all");
    let found = part(&mut client);
    assert_eq!(found["status"], "degraded");
    assert!(found["note"].as_str().unwrap().contains("not today"), "{found}");
    let count = "SELECT count(*) FROM redeemd.set_aside";
    let noticed = database.count(count);
    assert!((100..200).contains(&noticed), "{noticed}");
    // It goes on one by one, so that none stops the others for ever.
    wait_until("one more is set aside", || database.count(count) > noticed);
    assert!(metric(&mut client, "redeemd_postgres_backlog_entries") > 1_000.0);

    database.ask("DROP TRIGGER refuse ON redeemd.redemptions");
    wait_until("the rest has arrived", || {
        metric(&mut client, "redeemd_postgres_backlog_entries") == 0.0
            && part(&mut client)["finding"] == "postgres_set_aside"
    });
    folder.run(&["postgres", "set-aside", "retry", "--all"]).done();
    agree_on_everything(&mut client, &database);
    wait_until("all is well", || part(&mut client)["status"] == "healthy");
}
