//! Who may review, when a review becomes visible, and what answers, reports and decisions change.

use Decision::{Hide, Keep};
use chrono::TimeDelta;
use proptest::prelude::*;
use rstest::rstest;
use uuid::Uuid;

use super::*;
use crate::domain::booking::Charges;
use crate::domain::policy::tests::platform;
use crate::domain::price::Rates;
use crate::domain::{PaymentStatus, Period, Price};

const GUEST: UserId = UserId(Uuid::from_u128(3));
const HOST: UserId = UserId(Uuid::from_u128(4));

const PERIODS: Periods = Periods {
    write_within: Duration::from_hours(14 * 24),
    blind_for: Duration::from_hours(7 * 24),
};

/// The completion.
fn end() -> DateTime<Utc> {
    "2026-12-01T13:00:00Z".parse().unwrap()
}

fn days(days: i64) -> DateTime<Utc> {
    end() + TimeDelta::days(days)
}

fn booking(status: Status) -> Booking {
    let period = Period::new(end() - TimeDelta::hours(4), end()).unwrap();
    let rates = Rates {
        hourly_krw: 15_000,
        dated: Vec::new(),
        long_rental_discounts: Vec::new(),
    };
    Booking {
        id: BookingId(Uuid::from_u128(1)),
        version: 5,
        vehicle_id: VehicleId(Uuid::from_u128(2)),
        guest_id: GUEST,
        host_id: HOST,
        period,
        price: Price::quote(&period, &rates, None).unwrap(),
        policy: platform(),
        vehicle_snapshot: Vec::new(),
        status,
        payment_status: PaymentStatus::Paid,
        guest_message: None,
        host_response: None,
        respond_by: end(),
        payment_due_at: None,
        confirmed_at: Some(end()),
        cancellation: None,
        refunded_krw: 0,
        charges: Charges::default(),
        open_change: None,
        created_at: end(),
        updated_at: end(),
    }
}

fn content() -> Content {
    Content {
        ratings: Ratings {
            overall: 4,
            cleanliness: Some(5),
            punctuality: None,
            manners: Some(3),
        },
        is_recommended: true,
        comment: Some("좋아요".to_owned()),
    }
}

const COMPLETED: fn() -> Reviewed = || Reviewed {
    completed_at: Some(end()),
    is_party_closed: false,
};

fn write(author: Party, others: &mut [Review], now: DateTime<Utc>) -> Result<Review, ReviewRefusal> {
    let id = ReviewId(Uuid::from_u128(9));
    let booking = booking(Status::Completed);
    Review::write(
        id,
        (&booking, author),
        COMPLETED(),
        others,
        PERIODS,
        content(),
        now,
    )
}

/// A review by the guest a day after the end that is visible.
fn visible() -> Review {
    let mut first = [write(Party::Guest, &mut [], days(1)).unwrap()];
    write(Party::Host, &mut first, days(2)).unwrap();
    first.into_iter().next().unwrap()
}

#[rstest]
#[case(Party::Guest)]
#[case(Party::Host)]
fn second_review_reveals_both(#[case] first: Party) {
    let (second, reviewer) = match first {
        Party::Guest => (Party::Host, GUEST),
        Party::Host => (Party::Guest, HOST),
    };
    let mut others = [write(first, &mut [], days(1)).unwrap()];
    assert_eq!((others[0].reviewer_id, others[0].visible_at), (reviewer, days(8)));
    assert!(others[0].is_visible_to(reviewer, days(1)));
    assert!(!others[0].is_visible_to(others[0].reviewee_id, days(1)));
    let written = write(second, &mut others, days(2)).unwrap();
    assert_eq!((others[0].visible_at, written.visible_at), (days(2), days(2)));
    assert_eq!(
        (written.reviewer_id, written.reviewee_id),
        (others[0].reviewee_id, reviewer)
    );
}

#[test]
fn first_review_becomes_visible_exactly_after_the_blind_period() {
    let mut others = [write(Party::Host, &mut [], days(3)).unwrap()];
    let instant = TimeDelta::microseconds(1);
    assert!(!others[0].is_visible(days(10) - instant));
    assert!(others[0].is_visible(days(10)));
    // The late one is visible at once, and leaves the time of the first one.
    let late = write(Party::Guest, &mut others, days(12)).unwrap();
    assert_eq!((late.visible_at, others[0].visible_at), (days(12), days(10)));
}

#[test]
fn clock_behind_the_first_review_reveals_it_at_its_creation() {
    let mut others = [write(Party::Host, &mut [], days(3)).unwrap()];
    let before = days(3) - TimeDelta::milliseconds(5);
    let second = write(Party::Guest, &mut others, before).unwrap();
    assert_eq!((others[0].visible_at, second.visible_at), (days(3), before));
}

#[rstest]
#[case(Status::Pending)]
#[case(Status::Approved)]
#[case(Status::Rejected)]
#[case(Status::Active)]
#[case(Status::Cancelled)]
fn only_completed_bookings_are_reviewed(#[case] status: Status) {
    let booking = booking(status);
    let id = ReviewId(Uuid::nil());
    let refused = Review::write(
        id,
        (&booking, Party::Guest),
        COMPLETED(),
        &mut [],
        PERIODS,
        content(),
        days(1),
    );
    assert_eq!(refused, Err(ReviewRefusal::NotCompleted));
}

#[test]
fn period_to_write_ends_exactly_after_14_days() {
    assert!(write(Party::Guest, &mut [], days(14) - TimeDelta::microseconds(1)).is_ok());
    let refused = write(Party::Guest, &mut [], days(14));
    assert_eq!(refused, Err(ReviewRefusal::PeriodOver { days: 14 }));
}

#[test]
fn second_review_of_a_side_is_refused_whenever_it_comes() {
    for time in [days(1), days(20)] {
        let mut others = [write(Party::Guest, &mut [], days(1)).unwrap()];
        let before = others.clone();
        let refused = write(Party::Guest, &mut others, time);
        assert_eq!(refused, Err(ReviewRefusal::AlreadyReviewed));
        assert_eq!(others, before);
    }
}

#[test]
fn booking_with_a_closed_party_is_not_reviewed() {
    let closed = Reviewed {
        is_party_closed: true,
        ..COMPLETED()
    };
    let mut others = [write(Party::Guest, &mut [], days(1)).unwrap()];
    let before = others.clone();
    let (id, booking) = (ReviewId(Uuid::nil()), booking(Status::Completed));
    let refused = Review::write(
        id,
        (&booking, Party::Host),
        closed,
        &mut others,
        PERIODS,
        content(),
        days(2),
    );
    assert_eq!((refused, others), (Err(ReviewRefusal::PartyClosed), before));
}

#[test]
fn reviewee_answers_once_after_the_publication() {
    let mut blind = write(Party::Guest, &mut [], days(1)).unwrap();
    let refused = blind.reply(HOST, "감사합니다".to_owned(), days(2));
    assert_eq!(refused, Err(ReviewRefusal::NotFound));
    let mut review = visible();
    for other in [GUEST, UserId(Uuid::nil())] {
        let refused = review.reply(other, "감사합니다".to_owned(), days(2));
        assert_eq!(refused, Err(ReviewRefusal::NotTheReviewee));
    }
    assert_eq!(review.reply(HOST, "감사합니다".to_owned(), days(2)), Ok(true));
    assert_eq!(review.reply(HOST, "감사합니다".to_owned(), days(3)), Ok(false));
    let refused = review.reply(HOST, "다른 답글".to_owned(), days(3));
    assert_eq!(refused, Err(ReviewRefusal::AlreadyReplied));
    assert_eq!(
        (review.reply.as_deref(), review.replied_at),
        (Some("감사합니다"), Some(days(2)))
    );
    review.moderate(Hide, days(4));
    let refused = review.reply(HOST, "감사합니다".to_owned(), days(5));
    assert_eq!(refused, Err(ReviewRefusal::NotFound));
}

#[test]
fn first_report_of_the_reviewee_holds() {
    let mut review = visible();
    let refused = review.report(GUEST, ReportReason::Spam, None, days(2));
    assert_eq!(refused, Err(ReviewRefusal::NotTheReviewee));
    assert_eq!(
        review.report(HOST, ReportReason::False, Some("아닙니다".to_owned()), days(2)),
        Ok(true)
    );
    assert_eq!(review.report(HOST, ReportReason::Spam, None, days(3)), Ok(false));
    let expected = Report {
        reason: ReportReason::False,
        details: Some("아닙니다".to_owned()),
        reported_at: days(2),
    };
    assert_eq!(review.report, Some(expected));
}

#[test]
fn decision_that_holds_is_not_recorded_again() {
    let mut review = visible();
    let decisions = [
        (Keep, Moderated::Recorded, None),
        (Keep, Moderated::Nothing, None),
        (Hide, Moderated::Hidden, Some(days(5))),
        (Hide, Moderated::Nothing, Some(days(5))),
        (Keep, Moderated::Restored, None),
        (Keep, Moderated::Nothing, None),
    ];
    for (index, (decision, expected, hidden_at)) in decisions.into_iter().enumerate() {
        let now = days(3 + i64::try_from(index).unwrap());
        assert_eq!(
            (review.moderate(decision, now), review.hidden_at),
            (expected, hidden_at),
            "{index}"
        );
    }
    // A report that comes after the decision asks for another one.
    assert_eq!(review.report(HOST, ReportReason::Spam, None, days(10)), Ok(true));
    assert_eq!(review.moderate(Keep, days(11)), Moderated::Recorded);
    assert_eq!(
        (review.moderate(Keep, days(12)), review.moderated_at),
        (Moderated::Nothing, Some(days(11)))
    );
}

proptest! {
    /// Nobody but the author sees a review before the other one is written or the blind period has passed.
    #[test]
    fn review_is_visible_after_the_second_one_or_the_blind_period(
        first in 0i64..14 * 86_400, second in proptest::option::of(0i64..14 * 86_400), at in 0i64..30 * 86_400,
    ) {
        let time = |seconds| end() + TimeDelta::seconds(seconds);
        let mut others = [write(Party::Guest, &mut [], time(first)).unwrap()];
        let second = second.filter(|second| *second >= first);
        if let Some(second) = second {
            let written = write(Party::Host, &mut others, time(second)).unwrap();
            prop_assert!(written.is_visible(time(second)));
        }
        let expected = first + 7 * 86_400;
        let expected = second.map_or(expected, |second| second.min(expected));
        prop_assert_eq!(others[0].is_visible(time(at)), at >= expected);
    }
}
