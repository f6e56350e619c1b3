//! One shape for all services: the same files, state, RPC type, runner and way to run transactions.

use std::fs;
use std::path::Path;

use carshare_mesh::dependencies::SERVICES;

use super::dependencies::{root, rust_files};

/// Files of every service, and what each contains.
const FILES: [(&str, &[&str]); 10] = [
    ("src/main.rs", &["carshare_chassis::service::main::<Runner<"]),
    (
        "src/lib.rs",
        &["#[derive(Clone)]\npub struct App {", "impl StoreService for"],
    ),
    ("src/config.rs", &["pub struct Config {", "deny_unknown_fields"]),
    ("src/error.rs", &["pub enum Error {"]),
    ("src/rpc.rs", &["pub struct Rpc {", "pub app: App,"]),
    ("src/domain.rs", &[]),
    ("src/store.rs", &[]),
    ("src/jobs.rs", &[]),
    ("README.md", &[]),
    // A revoked token is refused by every service.
    (
        "config.default.toml",
        &["revocation = \"open\"", "revocation_checked_by = [\"gateway\"]"],
    ),
];

/// Banned text in the sources of services, and the replacement.
const BANNED: [(&str, &str); 4] = [
    ("Arc<App>", "App is Clone"),
    (
        "mod entity;",
        "an entity stands with its SQL in the module of its table",
    ),
    (
        "serve_with_worker(",
        "carshare_store::Runner starts and stops a service",
    ),
    ("Relay::new(", "carshare_store::Runner relays"),
];

fn missing_in(service: &Path) -> Vec<String> {
    let mut missing = Vec::new();
    for (file, contents) in FILES {
        match fs::read_to_string(service.join(file)) {
            Err(_) => missing.push(format!("{file} is missing")),
            Ok(text) => missing.extend(
                contents
                    .iter()
                    .filter(|content| !text.contains(**content))
                    .map(|content| format!("{file} lacks {content:?}")),
            ),
        }
    }
    missing
}

fn banned_in(text: &str) -> Vec<&'static str> {
    let found = BANNED.iter().filter(|(banned, _)| text.contains(banned));
    found.map(|(_, instead)| *instead).collect()
}

#[test]
fn services_have_one_shape() {
    for name in SERVICES {
        let service = root().join("services").join(name);
        assert_eq!(missing_in(&service), Vec::<String>::new(), "{name}");
        for file in rust_files(&service.join("src")) {
            let text = fs::read_to_string(&file).expect("a source file");
            assert_eq!(banned_in(&text), Vec::<&str>::new(), "{}", file.display());
        }
    }
}

#[test]
fn service_of_another_shape_is_reported() {
    let missing = missing_in(&root().join("gateway"));
    assert!(
        missing.contains(&"src/jobs.rs is missing".to_owned()),
        "{missing:?}"
    );
    assert!(
        missing.iter().any(|line| line.starts_with("src/lib.rs lacks")),
        "{missing:?}"
    );
    assert_eq!(banned_in("struct Rpc {\n    app: Arc<App>,\n}"), ["App is Clone"]);
}
