//! Whether every route is described, and every description has a route.

use std::collections::{BTreeMap, BTreeSet};

use super::description;
use crate::support::{Client, Folder, Request};

/// The routes that a server has, each with its methods. The metrics name the routes from the start,
/// and a method that a route does not have is answered with those that it has.
fn routes(client: &mut Client) -> BTreeMap<String, BTreeSet<String>> {
    let page = client.get("/metrics");
    let routes = page.text().lines().filter_map(|line| {
        let labels = line.strip_prefix("redeemd_http_requests_total{")?;
        let route = labels.split("route=\"").nth(1)?.split('"').next()?;
        (route != "other").then(|| route.to_owned())
    });
    let routes: BTreeSet<String> = routes.collect();
    let methods_of = |route: String| {
        let answer = client.send(Request::new("BREW", &route.replace(['{', '}'], "")));
        answer.is_problem(405, "method_not_allowed");
        let methods = answer.header("allow").unwrap().split(", ");
        // HEAD is GET without the body, and nothing of its own.
        let methods = methods.filter(|method| *method != "HEAD").map(str::to_owned).collect();
        (route, methods)
    };
    routes.into_iter().map(methods_of).collect()
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let folder = Folder::new();
    let server = folder.start();
    let mut described: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, method, _) in description(&server).operations() {
        described.entry(path.to_owned()).or_default().insert(method.to_ascii_uppercase());
    }
    let routes = routes(&mut server.client());
    assert!(routes.len() >= 10, "the metrics name the routes");
    assert_eq!(described, routes);
}
