//! The entries of a booking as a chain: each one has the hash of the entry before it.

use chrono::{DateTime, Utc};

use super::Phase;
use super::entry::{Content, Digest, Entry};
use crate::domain::{BookingId, Party, UserId};

/// An entry with its statement and hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    pub entry: Entry,
    pub statement: String,
    pub hash: Digest,
}

/// An entry as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub sequence: i32,
    pub statement: String,
    pub hash: Vec<u8>,
}

/// The last entry, which is stored apart, so that one that is missing at the end is noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub sequence: i32,
    pub hash: Vec<u8>,
}

/// All entries of a booking, the first one first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    booking: BookingId,
    entries: Vec<Sealed>,
    is_intact: bool,
}

/// The author and place of a new entry.
#[derive(Clone, Copy, Debug)]
pub struct Author {
    pub phase: Phase,
    pub party: Party,
    pub user: UserId,
}

impl Chain {
    /// Reads and verifies the entries of a booking. Those that cannot be read are left out; the chain is then not intact.
    pub fn read(booking: BookingId, stored: Vec<Stored>, head: Option<&Head>) -> Self {
        let count = stored.len();
        let entries: Vec<Sealed> = stored.into_iter().filter_map(Sealed::read).collect();
        let mut chain = Self {
            booking,
            is_intact: entries.len() == count,
            entries,
        };
        chain.is_intact &= chain.is_linked() && chain.ends_with(head);
        chain
    }

    pub fn entries(&self) -> &[Sealed] {
        &self.entries
    }

    /// Returns whether every entry has its hash and that of the entry before it, and none is missing.
    pub fn is_intact(&self) -> bool {
        self.is_intact
    }

    /// Returns the entry that follows.
    pub fn next(&self, author: Author, content: Content, now: DateTime<Utc>) -> Sealed {
        let last = self.entries.last();
        let entry = Entry {
            booking: self.booking,
            sequence: last.map_or(0, |last| last.entry.sequence) + 1,
            previous: last.map_or(Digest::NONE, |last| last.hash),
            recorded_at: now,
            phase: author.phase,
            party: author.party,
            user: author.user,
            content,
        };
        let statement = entry.statement();
        Sealed {
            hash: Digest::of(statement.as_bytes()),
            entry,
            statement,
        }
    }

    fn is_linked(&self) -> bool {
        let previous = std::iter::once(Digest::NONE).chain(self.entries.iter().map(|sealed| sealed.hash));
        self.entries
            .iter()
            .zip(previous)
            .zip(1..)
            .all(|((sealed, previous), sequence)| {
                let entry = &sealed.entry;
                (entry.booking, entry.sequence, entry.previous) == (self.booking, sequence, previous)
            })
    }

    fn ends_with(&self, head: Option<&Head>) -> bool {
        let last = self.entries.last();
        let last = last.map(|last| (last.entry.sequence, &last.hash.0[..]));
        last == head.map(|head| (head.sequence, &head.hash[..]))
    }
}

impl Sealed {
    /// Reads a stored entry. `None` if its hash or number is not that of its statement, or the statement is malformed.
    fn read(stored: Stored) -> Option<Self> {
        let hash = Digest::of(stored.statement.as_bytes());
        let entry = Entry::parse(&stored.statement).ok()?;
        let is_valid = hash.0[..] == stored.hash && entry.sequence == stored.sequence;
        is_valid.then_some(Self {
            entry,
            statement: stored.statement,
            hash,
        })
    }
}
