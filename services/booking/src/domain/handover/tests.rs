//! Who may record what when. The chain of hashes has a module of its own.

mod statements;

use chrono::{DateTime, TimeDelta, Utc};
use rstest::rstest;
use uuid::Uuid;

use super::chain::{Author, Head, Stored};
use super::*;
use crate::domain::{BookingId, Party, PhotoId};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn booking() -> BookingId {
    BookingId(Uuid::from_u128(7))
}

fn author(phase: Phase, party: Party) -> Author {
    let user = UserId(Uuid::from_u128(if party == Party::Guest { 1 } else { 2 }));
    Author { phase, party, user }
}

fn photo(angle: Angle) -> Content {
    Content::Photo {
        id: PhotoId(Uuid::from_u128(9)),
        angle,
        width: 800,
        height: 600,
        stored: Digest::of(b"stored"),
        upload: Digest::of(b"upload"),
    }
}

fn report(odometer_km: i64) -> Content {
    Content::Report {
        odometer_km,
        energy_percent: 80,
        note: None,
    }
}

/// Stored entries, each made from those before it.
#[derive(Clone, Default)]
struct Rows(Vec<Stored>);

impl Rows {
    fn chain(&self) -> Chain {
        Chain::read(booking(), self.0.clone(), self.head().as_ref())
    }

    fn head(&self) -> Option<Head> {
        self.0.last().map(|last| Head {
            sequence: last.sequence,
            hash: last.hash.clone(),
        })
    }

    fn add(&mut self, author: Author, content: Content) -> Sealed {
        let sealed = self
            .chain()
            .next(author, content, at("2026-12-01T08:45:00.123456Z"));
        self.0.push(Stored {
            sequence: sealed.entry.sequence,
            statement: sealed.statement.clone(),
            hash: sealed.hash.0.to_vec(),
        });
        sealed
    }
}

fn rules() -> HandoverRules {
    HandoverRules {
        required_angles: vec![Angle::Rear, Angle::Front, Angle::Front],
        pickup_grace: Duration::from_hours(1),
        return_grace: Duration::from_hours(24),
        max_notes: 3,
    }
}

#[test]
fn report_needs_every_required_view_and_an_odometer_that_goes_forward() {
    let mut rows = Rows::default();
    let guest = author(Phase::Pickup, Party::Guest);
    let check =
        |rows: &Rows, phase, content| rules().check_content(phase, &content, guest.user, &rows.chain());
    let missing = HandoverRefusal::PhotosMissing(vec![Angle::Front, Angle::Rear]);
    assert_eq!(check(&rows, Phase::Pickup, report(10)), Err(missing));
    rows.add(guest, photo(Angle::Rear));
    let missing = HandoverRefusal::PhotosMissing(vec![Angle::Front]);
    assert_eq!(check(&rows, Phase::Pickup, report(10)), Err(missing));
    rows.add(guest, photo(Angle::Front));
    assert_eq!(check(&rows, Phase::Pickup, report(10)), Ok(()));
    rows.add(guest, report(10));
    rows.add(guest, report(8));
    for angle in [Angle::Front, Angle::Rear] {
        rows.add(author(Phase::Return, Party::Host), photo(angle));
    }
    // The latest report of the pickup counts.
    let backwards = HandoverRefusal::OdometerBackwards { pickup_km: 8 };
    assert_eq!(check(&rows, Phase::Return, report(7)), Err(backwards));
    assert_eq!(check(&rows, Phase::Return, report(8)), Ok(()));
    assert_eq!(check(&rows, Phase::Pickup, report(7)), Ok(()));
    rows.add(guest, Content::Note { note: Digest::NONE });
    let full = HandoverRefusal::Full { max: 3 };
    assert_eq!(check(&rows, Phase::Pickup, report(7)), Err(full.clone()));
    assert_eq!(
        check(&rows, Phase::Pickup, Content::Note { note: Digest::NONE }),
        Err(full)
    );
    assert_eq!(
        check(&rows, Phase::Return, Content::Note { note: Digest::NONE }),
        Ok(())
    );
}

#[test]
fn only_the_other_side_confirms_and_only_the_latest_report() {
    let mut rows = Rows::default();
    let (guest, host) = (
        author(Phase::Pickup, Party::Guest),
        author(Phase::Pickup, Party::Host),
    );
    let check = |rows: &Rows, user, report| {
        let confirmation = Content::Confirmation { report, note: None };
        rules().check_content(Phase::Pickup, &confirmation, user, &rows.chain())
    };
    let changed = Err(HandoverRefusal::Changed);
    assert_eq!(check(&rows, host.user, Digest::NONE), changed);
    let first = rows.add(guest, report(10)).hash;
    assert_eq!(check(&rows, guest.user, first), changed);
    assert_eq!(check(&rows, host.user, first), Ok(()));
    let second = rows.add(guest, report(11)).hash;
    assert_eq!(check(&rows, host.user, first), changed);
    assert_eq!(check(&rows, host.user, second), Ok(()));
    rows.add(
        host,
        Content::Confirmation {
            report: first,
            note: None,
        },
    );
    assert!(rows.chain().record(Phase::Pickup).confirmation().is_none());
    rows.add(
        host,
        Content::Confirmation {
            report: second,
            note: None,
        },
    );
    assert!(rows.chain().record(Phase::Pickup).confirmation().is_some());
    assert!(rows.chain().record(Phase::Return).confirmation().is_none());
}

#[rstest]
#[case(State::Confirmed, "08:29:59", false, false)]
#[case(State::Confirmed, "08:30:00", true, false)]
#[case(State::Confirmed, "12:59:59", true, false)]
#[case(State::Confirmed, "13:00:00", false, false)]
#[case(State::Active, "09:59:59", true, true)]
#[case(State::Active, "10:00:00", false, true)]
#[case(State::Pending, "09:00:00", false, false)]
#[case(State::AwaitingPayment, "09:00:00", false, false)]
#[case(State::Rejected, "09:00:00", false, false)]
#[case(State::Cancelled, "09:00:00", false, false)]
#[case(State::Completed, "12:00:00", false, true)]
#[case(State::Completed, "36:29:59", false, true)]
#[case(State::Completed, "36:30:00", false, false)]
fn each_phase_is_open_in_its_states_and_times(
    #[case] state: State,
    #[case] time: &str,
    #[case] pickup: bool,
    #[case] returned: bool,
) {
    let (hours, rest) = time.split_once(':').unwrap();
    let rest: DateTime<Utc> = at(&format!("2026-12-01T00:{rest}Z"));
    let now = rest + TimeDelta::hours(hours.parse().unwrap());
    // A rental of 09:00 to 13:00 that began at 09:00 and ended at 12:30.
    let booking = crate::domain::booking::tests::booking(state);
    let times = RentalTimes {
        started_at: (state == State::Active || state == State::Completed).then(|| at("2026-12-01T09:00:00Z")),
        completed_at: (state == State::Completed).then(|| at("2026-12-01T12:30:00Z")),
    };
    let chain = Rows::default().chain();
    for (phase, is_open) in [(Phase::Pickup, pickup), (Phase::Return, returned)] {
        let checked = rules().check_open(phase, &booking, times, &chain, now);
        let closed = HandoverRefusal::Closed {
            phase,
            status: booking.status,
        };
        assert_eq!(checked, if is_open { Ok(()) } else { Err(closed) }, "{phase:?}");
    }
}
