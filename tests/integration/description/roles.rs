//! Whether each operation is for the roles that the description names, and for no other.

use serde_json::json;

use super::description;
use crate::support::{Client, Folder, Request, api_key};

const ROLES: [&str; 5] = ["admin", "issuer", "redeemer", "auditor", "public"];

#[test]
fn operations_are_for_the_roles_that_they_name() {
    let folder = Folder::new();
    let server = folder.start();
    let mut admin = server.client();
    let keys = ROLES.map(|role| (role, api_key(&mut admin, role)));
    for (path, method, says) in description(&server).operations() {
        let address = path.replace(['{', '}'], "");
        let request = Request::new(&method.to_ascii_uppercase(), &address);
        let Some(roles) = says.get("x-roles") else {
            let answer = Client::new(server.address, None).send(request);
            assert_ne!(answer.status, 401, "{method} {path} is for everybody");
            continue;
        };
        Client::new(server.address, None).send(request.clone()).is_problem(401, "unauthenticated");
        for (role, key) in &keys {
            let answer = Client::new(server.address, Some(key)).send(request.clone());
            let is_named = roles.as_array().unwrap().contains(&json!(role));
            assert_eq!(answer.status != 403, is_named, "{role}: {method} {path}: {answer:?}");
        }
    }
}
