//! Reads and merges the layers of a configuration.

use std::path::PathBuf;

use ::config::{Config, File, FileFormat, Map, Source as _, Value, ValueKind};
use anyhow::Context as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Common;

/// Sources of a service's configuration; later ones override earlier ones.
#[derive(Clone, Debug, Default)]
pub struct Sources<E> {
    /// Name of the service; in capitals it is the prefix of its environment variables.
    pub service: &'static str,
    /// The embedded `config.default.toml`.
    pub defaults: &'static str,
    /// A TOML file that overrides defaults.
    pub file: Option<PathBuf>,
    /// The environment, as `(name, value)`. `BOOKING__DATABASE__URL` sets `database.url`; a TOML list or table is parsed, any other
    /// value is text that the type of the field parses.
    pub env: E,
}

/// The configuration of a process: one document, whose sections in [`Common`] are the same for every service.
#[derive(Clone, Debug, Serialize)]
pub struct ServiceConfig<C> {
    #[serde(flatten)]
    pub common: Common,
    /// The sections of the service itself.
    #[serde(flatten)]
    pub service: C,
}

/// Reads the configuration.
///
/// # Errors
/// A key that is missing, unknown or of the wrong type, by name.
pub fn load<C: DeserializeOwned>(
    sources: Sources<impl IntoIterator<Item = (String, String)>>,
) -> anyhow::Result<ServiceConfig<C>> {
    let mut layers = Config::builder().add_source(File::from_str(sources.defaults, FileFormat::Toml));
    if let Some(path) = sources.file {
        layers = layers.add_source(File::from(path).format(FileFormat::Toml));
    }
    let prefix = format!("{}__", sources.service.to_uppercase());
    for (name, text) in sources.env {
        if let Some(key) = name.strip_prefix(&prefix) {
            let key = key.to_lowercase().replace("__", ".");
            layers = layers.set_override(key, value(&text))?;
        }
    }
    let merged = layers.build().and_then(|merged| merged.collect());
    let merged = merged.context("the configuration cannot be read")?;
    split(merged).with_context(|| format!("the configuration of {} is not valid", sources.service))
}

/// Deserializes the common sections and the service's own. `serde(flatten)` would accept unknown keys.
fn split<C: DeserializeOwned>(
    mut merged: Map<String, Value>,
) -> Result<ServiceConfig<C>, ::config::ConfigError> {
    let sections = Common::SECTIONS.iter();
    let common: Map<String, Value> = sections.filter_map(|key| merged.remove_entry(*key)).collect();
    Ok(ServiceConfig {
        common: Value::from(common).try_deserialize()?,
        service: Value::from(merged).try_deserialize()?,
    })
}

/// Parses the value of a variable: a TOML list or table, else text. Text is never converted to a number, so a password of digits keeps
/// its leading zeros; JSON, which only begins like a table, is text.
fn value(text: &str) -> Value {
    let plain = || Value::new(None, ValueKind::String(text.to_owned()));
    if !text.starts_with(['[', '{']) {
        return plain();
    }
    // The error would quote the text, which may be a secret.
    let parsed: Result<Map<String, Value>, _> =
        File::from_str(&format!("value = {text}"), FileFormat::Toml).collect();
    parsed
        .ok()
        .and_then(|mut parsed| parsed.remove("value"))
        .unwrap_or_else(plain)
}

/// Returns the configuration as JSON with secrets masked, for the log and for `check-config`.
pub fn redacted(config: &impl Serialize) -> serde_json::Value {
    serde_json::to_value(config)
        .unwrap_or_else(|error| serde_json::json!({ "unprintable": error.to_string() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use serde::Deserialize;

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

    #[test]
    fn unknown_key_is_refused_by_name() {
        for (name, key) in [
            ("BOOKING__SERVER__LISTNE", "listne"),
            ("BOOKING__SERVRE__LISTEN", "servre"),
            ("BOOKING__VEHICLE__URL", "url"),
        ] {
            let refused = sample(&[(name, "x")], None).unwrap_err();
            assert!(format!("{refused:#}").contains(key), "{refused:#}");
        }
    }

    #[test]
    fn missing_file_is_refused() {
        assert!(sample(&[], Some("/nonexistent/booking.toml".into())).is_err());
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
}
