//! The one command of the relay to Redis: append a batch to the stream, unless the stream has lost what was sent before.

use std::sync::LazyLock;

use anyhow::{Context as _, Result, bail};
use redis::Script;
use redis::aio::ConnectionManager;

use crate::envelope::Envelope;

/// The id of an entry: milliseconds and a number within them. It grows along the stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) ms: i64,
    pub(super) n: i64,
}

/// What Redis did.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Appended {
    /// All are in the stream, at these places.
    At(Vec<Place>),
    /// None is: the stream ends at this place, before what was sent last.
    Behind(Place),
}

/// Appends `entries` to `stream`, of which `known` is the last place that we know of.
pub(super) async fn append(
    mut redis: ConnectionManager,
    stream: &str,
    known: Place,
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
    let places = ids.iter().map(|id| id.parse()).collect::<Result<Vec<Place>>>()?;
    match (word.as_str(), places.as_slice()) {
        ("sent", _) if places.len() == entries.len() => Ok(Appended::At(places)),
        ("behind", [last]) => Ok(Appended::Behind(*last)),
        _ => bail!("Redis gave an unexpected answer: {answer:?}"),
    }
}

/// Fields of an entry.
const FIELDS: usize = 7;

impl std::str::FromStr for Place {
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
    fn places_are_ordered_by_number_not_by_text() {
        let place = |id: &str| id.parse::<Place>().unwrap();
        assert!(place("999-0") < place("1000-0"));
        assert!(place("1000-9") < place("1000-10"));
        assert!("1000".parse::<Place>().is_err());
    }
}
