//! `docs/SECRETS.md` lists every secret of the configuration.

use std::collections::BTreeSet;

use carshare_auth::Auth;
use carshare_booking::Booking;
use carshare_chassis::config::{Sources, load, redacted};
use carshare_chassis::service::Service;
use carshare_gateway::Gateway;
use carshare_notification::Notification;
use carshare_payment::Payment;
use carshare_store::Runner;
use carshare_vehicle::Vehicle;
use serde_json::Value;

use super::dependencies::root;
use super::source::sources;

/// Every secret of every service, optional ones too, and the other keys without a default. [`table_lists_every_secret`] finds a secret that
/// is missing here.
const SET: [&str; 12] = [
    "TLS__KEY_PEM",
    "REDIS__URL",
    "DATABASE__URL",
    "SEAL__PRIMARY",
    "SEAL__KEYS__ID",
    "OBJECTS__ENDPOINT",
    "OBJECTS__BUCKET",
    "OBJECTS__ACCESS_KEY",
    "OBJECTS__SECRET_KEY",
    "KAKAO__REST_KEY",
    "TOSS__SECRET_KEY",
    "PUSH__SERVICE_ACCOUNT_JSON",
];

/// Returns the configuration of a service as `check-config` prints it.
fn printed<S: Service>(variables: &[&str]) -> Value {
    let prefix = S::NAME.to_uppercase();
    let env = variables
        .iter()
        .map(|name| (format!("{prefix}__{name}"), "x".to_owned()));
    let config = load::<S::Config>(Sources {
        service: S::NAME,
        defaults: S::DEFAULTS,
        file: None,
        env,
    });
    redacted(&config.unwrap_or_else(|error| panic!("{error:#}")))
}

fn all() -> [(&'static str, Value); 6] {
    let [tls, redis, database, rest @ ..] = SET;
    let [primary, key, endpoint, bucket, access, secret, kakao, toss, push] = rest;
    let objects = [endpoint, bucket, access, secret];
    let own = |variables: &[&'static str]| [&[tls, redis, database][..], variables].concat();
    [
        ("gateway", printed::<Gateway>(&[tls, redis])),
        ("booking", printed::<Runner<Booking>>(&own(&objects))),
        (
            "vehicle",
            printed::<Runner<Vehicle>>(&own(&[&objects[..], &[kakao]].concat())),
        ),
        ("payment", printed::<Runner<Payment>>(&own(&[primary, key, toss]))),
        ("notification", printed::<Runner<Notification>>(&own(&[push]))),
        (
            "auth",
            printed::<Runner<Auth>>(&own(&[&objects[..], &[primary, key, "MAIL__PASSWORD"]].concat())),
        ),
    ]
}

/// Calls `visit` with the key and value of every leaf.
fn leaves(value: &Value, key: &str, visit: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let key = if key.is_empty() {
                    name.clone()
                } else {
                    format!("{key}.{name}")
                };
                leaves(value, &key, visit);
            }
        }
        leaf => visit(key, leaf),
    }
}

/// Returns the secrets as `(service, key)`; the id of a sealing key is `<id>`.
fn secrets() -> BTreeSet<(String, String)> {
    let mut secrets = BTreeSet::new();
    for (service, config) in all() {
        leaves(&config, "", &mut |key, value| {
            if value == "***" {
                secrets.insert((service.to_owned(), key.replace("seal.keys.id", "seal.keys.<id>")));
            }
        });
    }
    secrets
}

/// Returns the secrets of the table, after a check that its other names follow from the key.
fn documented() -> BTreeSet<(String, String)> {
    let page = std::fs::read_to_string(root().join("docs/SECRETS.md")).expect("the page");
    let mut secrets = BTreeSet::new();
    for row in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, key, services, variable, parameter, ..] = cells[..] else {
            panic!("{row}")
        };
        let key = key.trim_matches('`');
        let expected = format!("`…__{}_FILE`", key.replace('.', "__").to_uppercase());
        assert_eq!(variable, expected, "{row}");
        assert_eq!(parameter, format!("`…/{}`", key.replace('.', "/")), "{row}");
        secrets.extend(
            services
                .split(", ")
                .map(|service| (service.to_owned(), key.to_owned())),
        );
    }
    secrets
}

/// Returns names and types of the fields of structs that are deserialized.
fn configured_fields(text: &str) -> Vec<(&str, &str)> {
    let parts: Vec<&str> = text.split("pub struct ").collect();
    let structs = parts.windows(2).filter_map(|pair| {
        let attributes = pair[0].rsplit("\n\n").next()?;
        let is_read = attributes.contains("Deserialize");
        is_read.then(|| pair[1].split("\n}").next().unwrap_or_default())
    });
    structs
        .flat_map(str::lines)
        .filter_map(|line| line.trim().strip_prefix("pub ")?.split_once(": "))
        .collect()
}

#[test]
fn table_lists_every_secret() {
    let secrets = secrets();
    assert_eq!(documented(), secrets);
    // Of a field that is set by no variable above the configuration has no value, and so no row.
    let named: BTreeSet<&str> = secrets.iter().flat_map(|(_, key)| key.split('.')).collect();
    for source in sources() {
        let path = source.path.display().to_string();
        let is_configuration = source.text.contains("deny_unknown_fields") && !path.contains("tests");
        if !is_configuration || path.starts_with("sandbox") {
            continue;
        }
        for (name, kind) in configured_fields(&source.text) {
            let is_secret = ["Secret,", "Option<Secret>,", "BTreeMap<String, Secret>,"].contains(&kind);
            assert!(
                !is_secret || named.contains(name),
                "{path}: {name} is in no row of docs/SECRETS.md"
            );
        }
    }
}

/// `…_FILE` names a file for the key before it.
#[test]
fn no_key_ends_like_the_variable_of_a_file() {
    for (service, config) in all() {
        leaves(&config, "", &mut |key, _| {
            assert!(
                key.split('.').all(|part| !part.ends_with("_file")),
                "{service}: {key}"
            );
        });
    }
}
