//! Environment variables: `BOOKING__DATABASE__URL`, and `BOOKING__DATABASE__URL_FILE` for a value in a file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use ::config::{File, FileFormat, Map, Source as _, Value, ValueKind};
use anyhow::{Context as _, bail, ensure};

use super::from;

/// Suffix of a variable that names a file. No key of a configuration ends like this: a test compares all of them.
const SUFFIX: &str = "_FILE";

/// A value of the environment.
pub(super) struct Variable {
    /// `database.url`
    pub key: String,
    pub value: Value,
    /// The file that has the value.
    pub file: Option<PathBuf>,
}

/// Reads the variables of a service.
pub(super) fn read(
    service: &str,
    env: impl IntoIterator<Item = (String, String)>,
) -> anyhow::Result<Vec<Variable>> {
    let prefix = format!("{}__", service.to_uppercase());
    let own: HashMap<String, String> = env
        .into_iter()
        .filter(|(name, _)| name.starts_with(&prefix))
        .collect();
    let variable = |(name, text): (&String, &String)| {
        let content = content(name, text, &own)?;
        let setting = content.as_ref().map_or(name.as_str(), |(setting, _)| *setting);
        let words: Vec<String> = setting[prefix.len()..]
            .split("__")
            .map(str::to_lowercase)
            .collect();
        ensure!(
            words.iter().all(|word| is_word(word)),
            "the variable {name} names no key"
        );
        Ok(Variable {
            key: words.join("."),
            value: match &content {
                // Never parsed: what a file has is the value itself.
                Some((_, content)) => Value::new(
                    Some(&format!("the file {text} of the variable {name}")),
                    content.as_str(),
                ),
                None => from(&format!("the variable {name}"), parse(text)),
            },
            file: content.map(|_| PathBuf::from(text)),
        })
    };
    own.iter().map(variable).collect()
}

/// Returns the value of one variable, or the content of the file that `<name>_FILE` names, for a command that reads its variables
/// itself.
///
/// # Errors
/// A file that cannot be read, and a value that is set in both ways; by name of the variable.
#[expect(
    clippy::implicit_hasher,
    reason = "the environment is collected into a map of the default kind"
)]
pub fn variable(env: &HashMap<String, String>, name: &str) -> anyhow::Result<Option<String>> {
    let by_file = format!("{name}{SUFFIX}");
    match env.get(&by_file) {
        Some(path) => Ok(content(&by_file, path, env)?.map(|(_, content)| content)),
        None => Ok(env.get(name).cloned()),
    }
}

/// Returns the variable that `name` sets by a file, and the content of that; `None` when it names no file.
fn content<'a>(
    name: &'a str,
    path: &str,
    env: &HashMap<String, String>,
) -> anyhow::Result<Option<(&'a str, String)>> {
    let Some(setting) = name.strip_suffix(SUFFIX) else {
        return Ok(None);
    };
    if env.contains_key(setting) {
        bail!("both {setting} and {name} are set");
    }
    let text =
        read_file(Path::new(path)).with_context(|| format!("{name} names a file that cannot be read"))?;
    Ok(Some((setting, text)))
}

/// Reads a file whose content is a value: all of it but one newline at its end.
///
/// # Errors
/// With the path, never with the content.
pub fn read_file(path: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
}

/// Returns whether a part of a variable's name may be a part of a key.
fn is_word(word: &str) -> bool {
    !word.is_empty()
        && word
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// Parses the value of a variable: a TOML list or table, else text. Text is never converted to a number, so a password of digits keeps
/// its leading zeros; JSON, which only begins like a table, is text.
fn parse(text: &str) -> Value {
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
