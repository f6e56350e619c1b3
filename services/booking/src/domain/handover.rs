//! The handover of a car: who may record what and when, and what the entries of a booking add up to.
//!
//! The entries are the only record. Whether a pickup or return is confirmed, which report counts and which views are missing follow from
//! them, so nothing outside of the chain of hashes has to be trusted.

pub mod chain;
pub mod entry;
#[cfg(test)]
mod tests;

use std::time::Duration;

use chrono::{DateTime, Utc};
use strum::VariantArray as _;

pub use chain::{Chain, Sealed};
pub use entry::{Content, Digest, Entry, hex};

use super::booking::START_EARLY;
use super::{Booking, Status, UserId};
use crate::domain::transitions::State;

/// The end of a rental at which the car changes hands.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr, strum::EnumString, strum::VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum Phase {
    Pickup,
    Return,
}

/// View of the car that a photo shows.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    strum::IntoStaticStr,
    strum::EnumString,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Angle {
    Front,
    Rear,
    Left,
    Right,
    Interior,
    Dashboard,
    /// Something else, for example a scratch.
    Detail,
}

/// When the rental began and ended, as far as it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RentalTimes {
    pub started_at: Option<DateTime<Utc>>,
    pub completed_at: Option<DateTime<Utc>>,
}

/// What is required of a handover, and how long it can be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandoverRules {
    /// Views of which there has to be a photo before a report.
    pub required_angles: Vec<Angle>,
    /// After the rental has begun.
    pub pickup_grace: Duration,
    /// After the rental has ended.
    pub return_grace: Duration,
    /// Reports, confirmations and notes of one pickup or return.
    pub max_notes: usize,
}

/// Why nothing is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandoverRefusal {
    /// Too early, too late, confirmed by both sides, or not in this state.
    Closed {
        phase: Phase,
        status: Status,
    },
    Full {
        max: usize,
    },
    PhotosMissing(Vec<Angle>),
    OdometerBackwards {
        pickup_km: i64,
    },
    /// The report is not the present one of the other side.
    Changed,
}

/// What the entries say about one pickup or return.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    phase: Phase,
    chain: &'a Chain,
}

impl Phase {
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl Angle {
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl Chain {
    pub fn record(&self, phase: Phase) -> Record<'_> {
        Record { phase, chain: self }
    }
}

impl<'a> Record<'a> {
    fn entries(self) -> impl DoubleEndedIterator<Item = &'a Sealed> {
        let phase = self.phase;
        self.chain
            .entries()
            .iter()
            .filter(move |sealed| sealed.entry.phase == phase)
    }

    /// Returns the latest report.
    pub fn report(self) -> Option<&'a Sealed> {
        self.entries()
            .rfind(|sealed| matches!(sealed.entry.content, Content::Report { .. }))
    }

    /// Returns the confirmation of the latest report.
    pub fn confirmation(self) -> Option<&'a Sealed> {
        let reported = self.report()?.hash;
        self.entries()
            .rfind(|sealed| matches!(sealed.entry.content, Content::Confirmation { report, .. } if report == reported))
    }

    /// Lists the required views of which there is no photo.
    pub fn missing_angles(self, required: &[Angle]) -> Vec<Angle> {
        let is_shown = |angle: Angle| {
            self.entries()
                .any(|sealed| matches!(sealed.entry.content, Content::Photo { angle: shown, .. } if shown == angle))
        };
        let mut missing: Vec<Angle> = required
            .iter()
            .copied()
            .filter(|angle| !is_shown(*angle))
            .collect();
        missing.sort_by_key(|angle| Angle::VARIANTS.iter().position(|other| other == angle));
        missing.dedup();
        missing
    }

    /// Returns whether nothing can be added any more.
    pub fn is_final(
        self,
        booking: &Booking,
        times: RentalTimes,
        rules: &HandoverRules,
        now: DateTime<Utc>,
    ) -> bool {
        self.confirmation().is_some() || rules.window(self.phase, booking, times, now) == Window::Over
    }

    /// Returns the odometer of the latest report.
    fn odometer_km(self) -> Option<i64> {
        match self.report()?.entry.content {
            Content::Report { odometer_km, .. } => Some(odometer_km),
            _ => None,
        }
    }
}

/// The time in which a pickup or return is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Window {
    NotYet,
    Open,
    Over,
}

impl HandoverRules {
    fn window(&self, phase: Phase, booking: &Booking, times: RentalTimes, now: DateTime<Utc>) -> Window {
        let until = |time: Option<DateTime<Utc>>, grace: Duration| match time {
            Some(time) if time + grace <= now => Window::Over,
            _ => Window::Open,
        };
        match (phase, booking.state()) {
            (Phase::Pickup, State::Confirmed) if now < booking.period.start() - START_EARLY => Window::NotYet,
            (Phase::Pickup, State::Confirmed) if booking.period.end() <= now => Window::Over,
            (Phase::Pickup, State::Confirmed) | (Phase::Return, State::Active) => Window::Open,
            (Phase::Pickup, State::Active) => until(times.started_at, self.pickup_grace),
            (Phase::Return, State::Completed) => until(times.completed_at, self.return_grace),
            (Phase::Pickup, State::Completed) => Window::Over,
            _ if booking.state().is_live() => Window::NotYet,
            _ => Window::Over,
        }
    }

    /// Checks that an entry can be added to a pickup or return.
    pub fn check_open(
        &self,
        phase: Phase,
        booking: &Booking,
        times: RentalTimes,
        chain: &Chain,
        now: DateTime<Utc>,
    ) -> Result<(), HandoverRefusal> {
        let is_open = self.window(phase, booking, times, now) == Window::Open;
        if is_open && chain.record(phase).confirmation().is_none() {
            return Ok(());
        }
        let status = booking.status;
        Err(HandoverRefusal::Closed { phase, status })
    }

    /// Checks what an entry says against the earlier ones.
    pub fn check_content(
        &self,
        phase: Phase,
        content: &Content,
        author: UserId,
        chain: &Chain,
    ) -> Result<(), HandoverRefusal> {
        let record = chain.record(phase);
        let written = record
            .entries()
            .filter(|sealed| !matches!(sealed.entry.content, Content::Photo { .. }));
        match content {
            Content::Photo { .. } => Ok(()),
            // Whatever else was written, the other side can confirm.
            Content::Confirmation { report, .. } => match record.report() {
                Some(latest) if latest.hash == *report && latest.entry.user != author => Ok(()),
                _ => Err(HandoverRefusal::Changed),
            },
            _ if written.count() >= self.max_notes => Err(HandoverRefusal::Full { max: self.max_notes }),
            Content::Note { .. } => Ok(()),
            Content::Report { odometer_km, .. } => self.check_report(phase, *odometer_km, chain),
        }
    }

    fn check_report(&self, phase: Phase, odometer_km: i64, chain: &Chain) -> Result<(), HandoverRefusal> {
        let missing = chain.record(phase).missing_angles(&self.required_angles);
        if !missing.is_empty() {
            return Err(HandoverRefusal::PhotosMissing(missing));
        }
        match (phase, chain.record(Phase::Pickup).odometer_km()) {
            (Phase::Return, Some(pickup_km)) if odometer_km < pickup_km => {
                Err(HandoverRefusal::OdometerBackwards { pickup_km })
            }
            _ => Ok(()),
        }
    }
}
