//! Tests of layers, variables and messages.

mod files;

use std::time::Duration;

use serde::Deserialize;

use super::*;

use crate::config::{Peer, Redis, Secret, Server};

const DEFAULTS: &str = r#"
    tags = ["a"]
    [server]
    listen = "127.0.0.1:5001"
    [redis]
    url = "redis://localhost"
    [vehicle]
    uri = "http://vehicle:5000"
    timeout_ms = 700
"#;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    redis: Redis,
    vehicle: Peer,
    tags: Vec<String>,
    password: Option<Secret>,
}

fn sample(env: &[(&str, &str)], file: Option<PathBuf>) -> anyhow::Result<ServiceConfig<Sample>> {
    let env = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    load(Sources {
        service: "booking",
        defaults: DEFAULTS,
        file,
        env,
    })
}

#[test]
fn defaults_are_a_complete_configuration() {
    let config = sample(&[], None).unwrap();
    assert_eq!(config.common.server.listen.to_string(), "127.0.0.1:5001");
    assert_eq!(
        config.common.server.request_timeout,
        Server::default().request_timeout
    );
    assert_eq!(config.service.vehicle.timeout, Duration::from_millis(700));
}

#[test]
fn file_overrides_defaults_and_environment_overrides_file() {
    let path = std::env::temp_dir().join(format!("chassis-layers-{}.toml", std::process::id()));
    std::fs::write(
        &path,
        "tags = [\"file\"]\n[vehicle]\ntimeout_ms = 1\nuri = \"http://file\"\n",
    )
    .unwrap();
    let config = sample(&[("BOOKING__VEHICLE__TIMEOUT_MS", "250")], Some(path.clone())).unwrap();
    std::fs::remove_file(path).unwrap();
    assert_eq!(
        (
            config.service.vehicle.timeout,
            config.service.vehicle.uri.as_str()
        ),
        (Duration::from_millis(250), "http://file")
    );
    assert_eq!(config.service.tags, ["file"]);
}

#[test]
fn variable_of_digits_is_text_and_a_list_is_toml() {
    let env = [
        ("BOOKING__PASSWORD", "00123"),
        ("BOOKING__TAGS", r#"["x", "y"]"#),
        ("AUTH__PASSWORD", "no"),
    ];
    let config = sample(&env, None).unwrap();
    assert_eq!(config.service.password.unwrap().expose(), "00123");
    assert_eq!(config.service.tags, ["x", "y"]);
}

/// A file that is deleted at the end of the test.
struct TempFile(PathBuf);

impl TempFile {
    fn new(name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = std::env::temp_dir().join(format!("chassis-{}-{name}", std::process::id()));
        std::fs::write(&path, content).unwrap();
        Self(path)
    }

    fn name(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).unwrap();
    }
}

fn refusal(env: &[(&str, &str)], file: Option<PathBuf>) -> String {
    format!("{:#}", sample(env, file).unwrap_err())
}

#[test]
fn unknown_key_is_refused_by_name_and_variable() {
    for (name, key) in [
        ("BOOKING__SERVER__LISTNE", "server.listne"),
        ("BOOKING__SERVRE__LISTEN", "servre"),
        ("BOOKING__VEHICLE__URL", "vehicle.url"),
        ("BOOKING__VEHICLE__URI__PORT__X", "vehicle.uri"),
    ] {
        let refused = refusal(&[(name, "hunter2")], None);
        assert!(
            refused.contains(&format!("not valid: {key} "))
                && refused.contains(&format!("the variable {name}")),
            "{refused}"
        );
        assert!(!refused.contains("hunter2"), "{refused}");
    }
}

#[test]
fn unknown_key_of_a_file_is_refused_with_the_file() {
    let file = TempFile::new("unknown.toml", "[vehicle]\nurl = \"hunter2\"\n");
    let refused = refusal(&[], Some(file.0.clone()));
    assert!(
        refused.contains("vehicle.url is an unknown key, expected one of")
            && refused.ends_with(&format!("set by the file {}", file.name())),
        "{refused}"
    );
}

#[test]
fn wrong_type_is_refused_by_key_and_origin_without_the_value() {
    let file = TempFile::new("type.toml", "[server]\nreflection = \"hunter2\"\n");
    let refused = refusal(&[], Some(file.0.clone()));
    assert!(
        refused.contains("server.reflection is text, expected a boolean; it is set by the file"),
        "{refused}"
    );
    for (name, value, cause) in [
        (
            "BOOKING__VEHICLE__TIMEOUT_MS",
            "hunter2",
            "vehicle.timeout_ms is text, expected an",
        ),
        (
            "BOOKING__VEHICLE__TIMEOUT_MS",
            "-1",
            "vehicle.timeout_ms is text, expected an",
        ),
        (
            "BOOKING__SERVER__LISTEN",
            "hunter2",
            "server.listen: invalid socket address",
        ),
        (
            "BOOKING__TELEMETRY__FORMAT",
            "hunter2",
            "telemetry.format: not valid",
        ),
        ("BOOKING__TAGS", "hunter2", "tags: not valid, expected a sequence"),
        ("BOOKING__TAGS", "[\"a\", {hunter2 = 1}]", "tags[1]"),
    ] {
        let refused = refusal(&[(name, value)], None);
        assert!(
            refused.contains(cause) && refused.contains(&format!("set by the variable {name}")),
            "{refused}"
        );
        assert!(!refused.contains("hunter2"), "{refused}");
    }
}

#[test]
fn missing_key_is_named_as_key_and_as_variable() {
    let required = DEFAULTS.replace("url = \"redis://localhost\"", "");
    let refused = load::<Sample>(Sources {
        service: "booking",
        defaults: required.leak(),
        file: None,
        env: [],
    });
    assert_eq!(
        format!("{:#}", refused.unwrap_err()),
        "the configuration of booking is not valid: redis.url is not set: set BOOKING__REDIS__URL, \
         or BOOKING__REDIS__URL_FILE to the name of a file that has the value"
    );
}

#[test]
fn variable_without_a_key_is_refused() {
    for name in [
        "BOOKING__",
        "BOOKING__REDIS__",
        "BOOKING__REDIS[0",
        "BOOKING___FILE",
    ] {
        let refused = refusal(&[(name, "/dev/null")], None);
        assert_eq!(refused, format!("the variable {name} names no key"));
    }
}

#[test]
fn syntax_error_of_a_file_names_file_and_line_without_quoting_it() {
    let file = TempFile::new("syntax.toml", "[redis]\nurl = \"redis://:hunter2@cache\n");
    assert_eq!(
        refusal(&[], Some(file.0.clone())),
        format!("the file {} is not valid TOML at line 2, column 30", file.name())
    );
}

#[test]
fn missing_configuration_file_is_refused_with_its_name() {
    let refused = refusal(&[], Some("/nonexistent/booking.toml".into()));
    assert!(
        refused.starts_with("cannot read the configuration file /nonexistent/booking.toml"),
        "{refused}"
    );
}

#[test]
fn printed_configuration_has_masked_secrets() {
    let config = sample(&[("BOOKING__REDIS__URL", "redis://:hunter2@cache")], None).unwrap();
    assert_eq!(config.service.redis.url.expose(), "redis://:hunter2@cache");
    let printed = redacted(&config);
    assert_eq!(printed["server"]["listen"], "127.0.0.1:5001");
    assert_eq!(printed["redis"]["url"], "***");
    assert!(!format!("{printed} {config:?}").contains("hunter2"));
}

#[test]
fn json_is_text_and_is_not_in_errors() {
    let env = [("BOOKING__REDIS__URL", r#"{"private_key": "hunter2"}"#)];
    assert_eq!(
        sample(&env, None).unwrap().service.redis.url.expose(),
        r#"{"private_key": "hunter2"}"#
    );
    let wrong = sample(
        &[("BOOKING__SERVER__LISTEN", r#"{"private_key": "hunter2"}"#)],
        None,
    );
    assert!(!format!("{:?}", wrong.unwrap_err()).contains("hunter2"));
}
