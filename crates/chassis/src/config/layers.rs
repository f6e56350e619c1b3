//! Reads and merges the layers of a configuration.

mod message;
mod variables;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ::config::{Config, ConfigError, File, FileFormat, Map, Source, Value, ValueKind};
use anyhow::{Context as _, anyhow};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Common;
use variables::Variable;

pub use variables::{read_file, variable};

/// Origin of a value that nobody has set.
const DEFAULTS: &str = "the embedded defaults";

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
    /// value is text that the type of the field parses. `BOOKING__DATABASE__URL_FILE` sets it to the content of a file.
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
    /// Files whose content is the value of a key, by key: `database.url`.
    #[serde(skip)]
    pub files: BTreeMap<String, PathBuf>,
}

/// Reads the configuration.
///
/// # Errors
/// A key that is missing, unknown or of the wrong type, by name and with the place that it came from, never with its value.
pub fn load<C: DeserializeOwned>(
    sources: Sources<impl IntoIterator<Item = (String, String)>>,
) -> anyhow::Result<ServiceConfig<C>> {
    let mut layers = Config::builder().add_source(Layer::parse(sources.defaults, DEFAULTS)?);
    if let Some(path) = sources.file {
        layers = layers.add_source(Layer::read(&path)?);
    }
    let mut files = BTreeMap::new();
    for Variable { key, value, file } in variables::read(sources.service, sources.env)? {
        files.extend(file.map(|path| (key.clone(), path)));
        layers = layers.set_override(key, value)?;
    }
    let merged = layers.build().and_then(|merged| merged.collect());
    let merged = merged.context("the configuration cannot be read")?;
    let (common, service) = split(merged.clone())
        .map_err(|error| anyhow!(message::of(sources.service, &merged, &error)))
        .with_context(|| format!("the configuration of {} is not valid", sources.service))?;
    Ok(ServiceConfig {
        common,
        service,
        files,
    })
}

/// Deserializes the common sections and the service's own. `serde(flatten)` would accept unknown keys.
fn split<C: DeserializeOwned>(mut merged: Map<String, Value>) -> Result<(Common, C), ConfigError> {
    let sections = Common::SECTIONS.iter();
    let common: Map<String, Value> = sections.filter_map(|key| merged.remove_entry(*key)).collect();
    Ok((
        Value::from(common).try_deserialize()?,
        Value::from(merged).try_deserialize()?,
    ))
}

/// A TOML document whose values have their origin.
#[derive(Clone, Debug)]
struct Layer(Map<String, Value>);

impl Layer {
    fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the configuration file {}", path.display()))?;
        Self::parse(&text, &format!("the file {}", path.display()))
    }

    fn parse(text: &str, origin: &str) -> anyhow::Result<Self> {
        let parsed = File::from_str(text, FileFormat::Toml).collect();
        // The rest of the message quotes the line, which may have a secret.
        let parsed = parsed.map_err(|error| {
            let message = error.to_string();
            let line = message.lines().next().unwrap_or_default();
            let place = line.strip_prefix("TOML parse error ").unwrap_or_default();
            anyhow!("{origin} is not valid TOML {place}")
        })?;
        let values = parsed.into_iter();
        Ok(Self(
            values.map(|(key, value)| (key, from(origin, value))).collect(),
        ))
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.clone())
    }
}

/// Returns the value with this origin, which the errors of the crate `config` and ours name.
fn from(origin: &str, value: Value) -> Value {
    let kind = match value.kind {
        ValueKind::Table(table) => {
            let values = table.into_iter();
            ValueKind::Table(values.map(|(key, value)| (key, from(origin, value))).collect())
        }
        ValueKind::Array(values) => {
            ValueKind::Array(values.into_iter().map(|value| from(origin, value)).collect())
        }
        scalar => scalar,
    };
    Value::new(Some(&origin.to_owned()), kind)
}

/// Returns the configuration as JSON with secrets masked, for the log and for `check-config`.
pub fn redacted(config: &impl Serialize) -> serde_json::Value {
    serde_json::to_value(config)
        .unwrap_or_else(|error| serde_json::json!({ "unprintable": error.to_string() }))
}

#[cfg(test)]
mod tests;
