//! Tests of `deploy/k8s`: the variables of every overlay are a complete configuration, and name the peers that a service calls.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::serve_all::{Sources, check_config};
use crate::service_env::{Env, peers};

const PROCESSES: [&str; 6] = ["gateway", "auth", "vehicle", "booking", "payment", "notification"];

/// Folders of the variables of an overlay. A later one wins.
const OVERLAYS: [(&str, &[&str]); 3] = [
    ("local", &["overlays/local"]),
    ("staging", &["components/cloud", "overlays/staging"]),
    ("production", &["components/cloud", "overlays/production"]),
];

fn manifests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/k8s")
}

/// Reads a file of variables, which an overlay need not have.
fn read(path: &Path) -> Env {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .map(|line| {
            let pair = line.split_once('=');
            let (name, value) = pair.unwrap_or_else(|| panic!("{}: {line}", path.display()));
            (name.to_owned(), value.to_owned())
        })
        .collect()
}

/// Returns the variables of a process in an overlay.
fn variables(process: &str, folders: &[&str]) -> BTreeMap<String, String> {
    let file = format!("{process}.env");
    let base = read(&manifests().join("base").join(process).join(&file));
    assert!(!base.is_empty(), "{process} has no variables");
    let added = folders
        .iter()
        .flat_map(|folder| read(&manifests().join(folder).join(&file)));
    base.into_iter().chain(added).collect()
}

/// Puts a value in place of each file.
fn with_values(variables: BTreeMap<String, String>) -> Env {
    let value = |(name, value): (String, String)| match name.strip_suffix("_FILE") {
        Some(setting) => (setting.to_owned(), "from a file".to_owned()),
        None => (name, value),
    };
    variables.into_iter().map(value).collect()
}

#[test]
fn variables_of_every_overlay_are_a_complete_configuration() {
    for (overlay, folders) in OVERLAYS {
        let env = PROCESSES
            .iter()
            .flat_map(|process| with_values(variables(process, folders)));
        let sources = Sources {
            files: None,
            env: env.collect(),
        };
        let config = check_config(&sources).unwrap_or_else(|error| panic!("{overlay}: {error:#}"));
        let pointer = |path: &str| {
            config
                .pointer(path)
                .unwrap_or_else(|| panic!("{overlay}: no {path}"))
                .clone()
        };
        for process in PROCESSES {
            assert_eq!(
                pointer(&format!("/{process}/server/drain_delay_ms")),
                5000,
                "{overlay}: {process}"
            );
            assert!(
                pointer(&format!("/{process}/admin/listen"))
                    .to_string()
                    .contains("0.0.0.0:91")
            );
        }
        for path in [
            "/auth/seal/primary",
            "/auth/objects/endpoint",
            "/auth/objects/bucket",
            "/auth/mail/host",
            "/vehicle/objects/endpoint",
            "/vehicle/kakao/rest_key",
            "/booking/objects/endpoint",
            "/booking/objects/bucket",
            "/payment/toss/secret_key",
            "/notification/push/service_account_json",
        ] {
            assert!(
                pointer(path).as_str().is_some_and(|text| !text.is_empty()),
                "{overlay}: {path} is not set"
            );
        }
    }
}

#[test]
fn variables_name_the_peers_of_each_process() {
    for process in PROCESSES {
        let prefix = process.to_uppercase();
        let expected: BTreeMap<String, String> = peers(process)
            .map(|(key, peer)| (format!("{prefix}__{key}"), format!("https://{peer}")))
            .collect();
        let named: BTreeMap<String, String> = variables(process, &[])
            .into_iter()
            .filter(|(name, _)| name.ends_with("__URI"))
            .map(|(name, uri)| (name, uri.rsplit_once(':').expect("a port").0.to_owned()))
            .collect();
        assert_eq!(named, expected, "{process}");
    }
}

#[test]
fn overlays_set_variables_of_their_own_process_only() {
    for (overlay, folders) in OVERLAYS {
        for process in PROCESSES {
            let prefix = format!("{}__", process.to_uppercase());
            let foreign = variables(process, folders)
                .into_keys()
                .find(|name| !name.starts_with(&prefix));
            assert_eq!(foreign, None, "{overlay}: {process}");
        }
    }
}
