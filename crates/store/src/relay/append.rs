//! Appends a batch to the stream in one script, unless the stream has lost what was sent before.

use std::sync::LazyLock;

use anyhow::{Context as _, Result, bail};
use redis::Script;
use redis::aio::ConnectionManager;

use crate::envelope::Envelope;

/// Id of a stream entry, `<ms>-<n>`. Ids grow along the stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct StreamEntryId {
    pub(super) ms: i64,
    pub(super) n: i64,
}

/// Result of the script.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Appended {
    /// All entries were appended, with these ids.
    At(Vec<StreamEntryId>),
    /// Nothing was appended: the stream ends at this id, before the last known one.
    Behind(StreamEntryId),
}

/// Appends `entries` to `stream`; `known` is the id of the last entry that was sent.
pub(super) async fn append(
    mut redis: ConnectionManager,
    stream: &str,
    known: StreamEntryId,
    keep: u64,
    entries: &[Envelope],
) -> Result<Appended> {
    static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("append.lua")));
    let mut call = SCRIPT.key(stream);
    call.arg(known.ms).arg(known.n).arg(keep).arg(2 * FIELDS);
    for (name, value) in entries.iter().flat_map(Envelope::fields) {
        call.arg(name).arg(value);
    }
    let answer: Vec<String> = call.invoke_async(&mut redis).await?;
    let (word, ids) = answer.split_first().context("Redis gave no answer")?;
    let ids = ids
        .iter()
        .map(|id| id.parse())
        .collect::<Result<Vec<StreamEntryId>>>()?;
    match (word.as_str(), ids.as_slice()) {
        ("sent", _) if ids.len() == entries.len() => Ok(Appended::At(ids)),
        ("behind", [last]) => Ok(Appended::Behind(*last)),
        _ => bail!("Redis gave an unexpected answer: {answer:?}"),
    }
}

/// Fields per entry.
const FIELDS: usize = 7;

impl std::str::FromStr for StreamEntryId {
    type Err = anyhow::Error;

    fn from_str(id: &str) -> Result<Self> {
        let (ms, n) = id
            .split_once('-')
            .with_context(|| format!("{id:?} is no id of an entry"))?;
        Ok(Self {
            ms: ms.parse()?,
            n: n.parse()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_ids_are_ordered_numerically() {
        let id = |id: &str| id.parse::<StreamEntryId>().unwrap();
        assert!(id("999-0") < id("1000-0"));
        assert!(id("1000-9") < id("1000-10"));
        assert!("1000".parse::<StreamEntryId>().is_err());
    }
}
