//! An entry of the evidence, and its statement: the text that is hashed, and the only form in which it is stored.
//!
//! The statement is canonical: a fixed order of `name=value` lines, whose values (numbers, UUIDs, words of enums, hexadecimal hashes, UTC times
//! with microseconds) have one spelling each. A text of a user is in it as a salted hash only, so that it can be erased.

use std::fmt::Write as _;
use std::str::FromStr;

use chrono::{DateTime, SubsecRound as _, Utc};
use sha2::{Digest as _, Sha256};

use super::{Angle, Phase};
use crate::domain::{BookingId, Party, PhotoId, UserId};

/// First line of a statement: the version of the format.
const FORMAT: &str = "carshare-handover-1";
/// Spelling of times.
const TIME: &str = "%Y-%m-%dT%H:%M:%S%.6fZ";

/// A SHA-256 hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Precedes the first entry.
    pub const NONE: Self = Self([0; 32]);

    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Returns the hash of a text of a user with a random salt, without which the text cannot be guessed from it.
    pub fn of_note(salt: &[u8], text: &str) -> Self {
        Self(Sha256::new_with_prefix(salt).chain_update(text).finalize().into())
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&hex(&self.0))
    }
}

/// Returns bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl FromStr for Digest {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let is_hex = text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let mut bytes = [0; 32];
        for (index, byte) in bytes.iter_mut().enumerate().filter(|_| is_hex) {
            *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).map_err(|_| Malformed)?;
        }
        if is_hex { Ok(Self(bytes)) } else { Err(Malformed) }
    }
}

/// A statement that no entry has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the statement is malformed")]
pub struct Malformed;

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    Photo {
        id: PhotoId,
        angle: Angle,
        width: i32,
        height: i32,
        /// Hash of the stored picture.
        stored: Digest,
        /// Hash of the file as it was uploaded.
        upload: Digest,
    },
    Report {
        odometer_km: i64,
        /// Fuel or charge level.
        energy_percent: i32,
        note: Option<Digest>,
    },
    Note {
        note: Digest,
    },
    Confirmation {
        /// Hash of the report's entry.
        report: Digest,
        note: Option<Digest>,
    },
}

/// An entry of the evidence of a booking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub booking: BookingId,
    /// Number among the entries of the booking, from 1.
    pub sequence: i32,
    /// Hash of the entry before it.
    pub previous: Digest,
    /// Time of the service.
    pub recorded_at: DateTime<Utc>,
    pub phase: Phase,
    pub party: Party,
    pub user: UserId,
    pub content: Content,
}

impl Entry {
    /// Returns the canonical text.
    pub fn statement(&self) -> String {
        let mut lines = Lines(format!("{FORMAT}\n"));
        lines.add("booking", self.booking);
        lines.add("sequence", self.sequence);
        lines.add("previous", self.previous);
        lines.add("recorded_at", self.recorded_at.trunc_subsecs(6).format(TIME));
        lines.add("phase", self.phase.as_str());
        lines.add("party", self.party.as_str());
        lines.add("user", self.user);
        match &self.content {
            Content::Photo {
                id,
                angle,
                width,
                height,
                stored,
                upload,
            } => {
                lines.add("kind", "photo");
                lines.add("photo", id);
                lines.add("angle", angle.as_str());
                lines.add("width", width);
                lines.add("height", height);
                lines.add("sha256", stored);
                lines.add("upload_sha256", upload);
            }
            Content::Report {
                odometer_km,
                energy_percent,
                note,
            } => {
                lines.add("kind", "report");
                lines.add("odometer_km", odometer_km);
                lines.add("energy_percent", energy_percent);
                lines.add_note(*note);
            }
            Content::Note { note } => {
                lines.add("kind", "note");
                lines.add_note(Some(*note));
            }
            Content::Confirmation { report, note } => {
                lines.add("kind", "confirmation");
                lines.add("report_sha256", report);
                lines.add_note(*note);
            }
        }
        lines.0
    }

    /// Reads a statement.
    ///
    /// # Errors
    /// [`Malformed`] if it is not exactly what [`Entry::statement`] writes.
    pub fn parse(statement: &str) -> Result<Self, Malformed> {
        let rest = statement
            .strip_prefix(FORMAT)
            .and_then(|rest| rest.strip_prefix('\n'));
        let mut fields = Fields(rest.ok_or(Malformed)?);
        let entry = Self {
            booking: BookingId(fields.take("booking")?),
            sequence: fields.take("sequence")?,
            previous: fields.take("previous")?,
            recorded_at: fields.take("recorded_at")?,
            phase: fields.take("phase")?,
            party: fields.take("party")?,
            user: UserId(fields.take("user")?),
            content: content(&mut fields)?,
        };
        // One spelling: what is not read here would be hashed all the same.
        if entry.statement() == statement {
            Ok(entry)
        } else {
            Err(Malformed)
        }
    }
}

fn content(fields: &mut Fields<'_>) -> Result<Content, Malformed> {
    match fields.text("kind")? {
        "photo" => Ok(Content::Photo {
            id: PhotoId(fields.take("photo")?),
            angle: fields.take("angle")?,
            width: fields.take("width")?,
            height: fields.take("height")?,
            stored: fields.take("sha256")?,
            upload: fields.take("upload_sha256")?,
        }),
        "report" => Ok(Content::Report {
            odometer_km: fields.take("odometer_km")?,
            energy_percent: fields.take("energy_percent")?,
            note: fields.note()?,
        }),
        "note" => Ok(Content::Note {
            note: fields.note()?.ok_or(Malformed)?,
        }),
        "confirmation" => Ok(Content::Confirmation {
            report: fields.take("report_sha256")?,
            note: fields.note()?,
        }),
        _ => Err(Malformed),
    }
}

struct Lines(String);

impl Lines {
    fn add(&mut self, name: &str, value: impl std::fmt::Display) {
        // Writing to a string does not fail.
        let _ = writeln!(self.0, "{name}={value}");
    }

    fn add_note(&mut self, note: Option<Digest>) {
        if let Some(note) = note {
            self.add("note_sha256", note);
        }
    }
}

/// The lines that are not read yet.
struct Fields<'a>(&'a str);

impl<'a> Fields<'a> {
    fn text(&mut self, name: &str) -> Result<&'a str, Malformed> {
        let (line, rest) = self.0.split_once('\n').ok_or(Malformed)?;
        let value = line.strip_prefix(name).and_then(|rest| rest.strip_prefix('='));
        self.0 = rest;
        value.ok_or(Malformed)
    }

    fn take<T: FromStr>(&mut self, name: &str) -> Result<T, Malformed> {
        self.text(name)?.parse().map_err(|_| Malformed)
    }

    fn note(&mut self) -> Result<Option<Digest>, Malformed> {
        if self.0.is_empty() {
            return Ok(None);
        }
        self.take("note_sha256").map(Some)
    }
}
