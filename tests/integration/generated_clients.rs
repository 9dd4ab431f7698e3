//! Clients that are generated from the server's description, in two languages, and used against it.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{ADMIN_KEY, Client, Folder, Server, client_tools, project, succeed};

/// Puts the description where a generator finds it.
fn save_description(server: &Server, folder: &Path) {
    let description = Client::new(server.address, None).get("/api/v1/openapi.json");
    fs::write(folder.join("openapi.json"), description.body).unwrap();
}

/// Lets a client walk through the interface.
fn walk(command: &mut Command, server: &Server) {
    let address = format!("http://{}", server.address);
    let printed = succeed(command.arg(address).env("REDEEMD_API_KEY", ADMIN_KEY));
    assert!(printed.ends_with("client held\n"), "{printed}");
}

#[test]
fn a_python_client_is_generated_and_works() {
    let folder = Folder::new();
    let server = folder.start();
    let place = tempfile::tempdir().unwrap();
    save_description(&server, place.path());
    let programs = client_tools().join("python/bin");
    let source = project().join("tests/clients/python");
    // The generator formats what it makes with a program that stands beside it.
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
    succeed(
        Command::new(programs.join("openapi-python-client"))
            .args(["generate", "--meta", "none", "--path", "openapi.json"])
            .args(["--output-path", "redeemd_client", "--config"])
            .arg(source.join("generator.yaml"))
            .env("PATH", path)
            .current_dir(place.path()),
    );
    fs::copy(source.join("walk.py"), place.path().join("walk.py")).unwrap();
    let mut python = Command::new(programs.join("python"));
    walk(python.arg("walk.py").current_dir(place.path()), &server);
}

#[test]
fn a_typescript_client_is_generated_and_works() {
    let folder = Folder::new();
    let server = folder.start();
    let place = tempfile::tempdir().unwrap();
    save_description(&server, place.path());
    let modules = client_tools().join("node/node_modules");
    let source = project().join("tests/clients/typescript");
    std::os::unix::fs::symlink(&modules, place.path().join("node_modules")).unwrap();
    for file in ["package.json", "tsconfig.json", "walk.ts"] {
        fs::copy(source.join(file), place.path().join(file)).unwrap();
    }
    let node = |program: &str| {
        let mut command = Command::new("node");
        command.arg(program).current_dir(place.path());
        command
    };
    succeed(
        node("node_modules/openapi-typescript/bin/cli.js")
            .args(["openapi.json", "--output", "redeemd.d.ts"])
            // A field that has a default need not be sent.
            .args(["--default-non-nullable", "false"]),
    );
    succeed(node("node_modules/typescript/bin/tsc").args(["--project", "."]));
    walk(&mut node("out/walk.js"), &server);
}
