//! What is filed, answered and decided, and the fee of a late return.

mod late_returns;

use chrono::TimeDelta;
use rstest::rstest;
use uuid::Uuid;

use super::*;
use crate::domain::booking::tests::booking;
use crate::domain::handover::chain::{Author, Head, Stored};
use crate::domain::handover::{Angle, Chain, Content, Phase};
use crate::domain::transitions::State;
use crate::domain::{Party, PhotoId};

const RULES: ClaimRules = ClaimRules {
    file_within: Duration::from_hours(72),
    object_within: Duration::from_hours(72),
    pay_within: Duration::from_hours(7 * 24),
    max_krw: 1_000_000,
    max_claims: 2,
    late_grace: Duration::from_mins(30),
    late_rate_percent: 150,
};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The rental of 15,000 won an hour ends at 13:00.
fn end() -> DateTime<Utc> {
    at("2026-12-01T13:00:00Z")
}

fn photo() -> Content {
    Content::Photo {
        id: PhotoId(Uuid::from_u128(9)),
        angle: Angle::Detail,
        width: 800,
        height: 600,
        stored: Digest::of(b"stored"),
        upload: Digest::of(b"upload"),
    }
}

/// Returns a handover with these photos.
fn chain(photos: &[(Phase, Party, DateTime<Utc>)]) -> Chain {
    let id = BookingId(Uuid::from_u128(1));
    let mut rows: Vec<Stored> = Vec::new();
    let read = |rows: &[Stored]| {
        let head = rows.last().map(|last| Head {
            sequence: last.sequence,
            hash: last.hash.clone(),
        });
        Chain::read(id, rows.to_vec(), head.as_ref())
    };
    for &(phase, party, time) in photos {
        let user = UserId(Uuid::from_u128(3));
        let sealed = read(&rows).next(Author { phase, party, user }, photo(), time);
        rows.push(Stored {
            sequence: sealed.entry.sequence,
            statement: sealed.statement,
            hash: sealed.hash.0.to_vec(),
        });
    }
    read(&rows)
}

fn handover() -> Chain {
    chain(&[
        (Phase::Pickup, Party::Guest, at("2026-12-01T09:00:00Z")),
        (Phase::Return, Party::Host, at("2026-12-01T13:10:00Z")),
    ])
}

fn hashes(chain: &Chain) -> Vec<Digest> {
    chain.entries().iter().map(|sealed| sealed.hash).collect()
}

fn new(evidence: Vec<Digest>) -> NewClaim {
    NewClaim {
        id: ClaimId(Uuid::from_u128(8)),
        kind: ClaimKind::Damage,
        amount_krw: 150_000,
        description: "긁힘".to_owned(),
        evidence,
    }
}

fn rented(chain: &Chain) -> Rented<'_> {
    Rented {
        completed_at: Some(end()),
        is_party_closed: false,
        chain,
        claims: 0,
    }
}

fn filed() -> Claim {
    let chain = handover();
    Claim::file(
        new(hashes(&chain)),
        &booking(State::Completed),
        rented(&chain),
        &RULES,
        end(),
    )
    .unwrap()
}

fn decision(now: DateTime<Utc>) -> Decision {
    Decision {
        reason: Some("사진".to_owned()),
        admin: UserId(Uuid::from_u128(5)),
        decided_at: now,
    }
}

#[test]
fn claim_lists_its_evidence_in_the_order_of_the_handover() {
    let chain = handover();
    let mut named = hashes(&chain);
    named.reverse();
    let claim = Claim::file(
        new(named),
        &booking(State::Completed),
        rented(&chain),
        &RULES,
        end(),
    )
    .unwrap();
    assert_eq!(claim.evidence, hashes(&chain));
    assert_eq!(claim.object_by, end() + TimeDelta::hours(72));
    assert_eq!((claim.status, claim.approved_krw), (ClaimStatus::Open, None));
}

#[test]
fn evidence_of_another_booking_or_of_the_pickup_only_is_refused() {
    let chain = handover();
    let hashes = hashes(&chain);
    for named in [
        Vec::new(),
        vec![hashes[0]],
        vec![hashes[1], Digest::of(b"another booking")],
    ] {
        let refused = Claim::file(
            new(named),
            &booking(State::Completed),
            rented(&chain),
            &RULES,
            end(),
        );
        assert_eq!(refused, Err(ClaimRefusal::EvidenceInvalid));
    }
}

#[rstest]
#[case(State::Active, 0, 0, false, 1, ClaimRefusal::NotCompleted)]
#[case(State::Cancelled, 0, 0, false, 1, ClaimRefusal::NotCompleted)]
#[case(State::Completed, 72, 0, false, 1, ClaimRefusal::PeriodOver { days: 3 })]
#[case(State::Completed, 71, 2, false, 1, ClaimRefusal::TooMany { max: 2 })]
#[case(State::Completed, 71, 1, true, 1, ClaimRefusal::PartyClosed)]
#[case(State::Completed, 71, 1, false, 1_000_001, ClaimRefusal::AmountTooHigh { max_krw: 1_000_000 })]
fn claim_is_refused(
    #[case] state: State,
    #[case] hours: i64,
    #[case] claims: usize,
    #[case] is_party_closed: bool,
    #[case] amount_krw: i64,
    #[case] refusal: ClaimRefusal,
) {
    let chain = handover();
    let rented = Rented {
        is_party_closed,
        claims,
        ..rented(&chain)
    };
    let new = NewClaim {
        amount_krw,
        ..new(hashes(&chain))
    };
    let refused = Claim::file(
        new,
        &booking(state),
        rented,
        &RULES,
        end() + TimeDelta::hours(hours),
    );
    assert_eq!(refused, Err(refusal));
}

#[test]
fn accepted_claim_is_charged_in_full() {
    let mut claim = filed();
    let now = end() + TimeDelta::hours(1);
    claim.accept(RULES.pay_within, now).unwrap();
    assert_eq!(
        (claim.status, claim.approved_krw),
        (ClaimStatus::AwaitingPayment, Some(150_000))
    );
    assert_eq!(claim.payment_due_at, Some(now + TimeDelta::days(7)));
    assert_eq!(claim.platform_fee_krw(), 0);
    let closed = ClaimRefusal::Closed { status: claim.status };
    assert_eq!(claim.object("싫어요".to_owned(), now), Err(closed));
    assert_eq!(claim.withdraw(now), Err(closed));
}

#[test]
fn claim_without_an_answer_is_approved_by_the_lapse_of_time() {
    let mut claim = filed();
    let lapse = end() + TimeDelta::hours(72);
    assert!(!claim.pass_deadline(RULES.pay_within, lapse - TimeDelta::seconds(1)));
    let closed = ClaimRefusal::Closed {
        status: ClaimStatus::AwaitingPayment,
    };
    assert_eq!(claim.object("늦음".to_owned(), lapse), Err(closed));
    assert_eq!(claim.accept(RULES.pay_within, lapse), Err(closed));
    assert!(claim.pass_deadline(RULES.pay_within, lapse));
    assert_eq!(
        (claim.status, claim.approved_krw),
        (ClaimStatus::AwaitingPayment, Some(150_000))
    );
    assert!(!claim.pass_deadline(
        RULES.pay_within,
        lapse + TimeDelta::days(7) - TimeDelta::seconds(1)
    ));
    assert!(claim.pass_deadline(RULES.pay_within, lapse + TimeDelta::days(7)));
    assert_eq!(claim.status, ClaimStatus::PaymentFailed);
}

#[test]
fn objected_claim_waits_for_an_admin_who_approves_a_part() {
    let mut claim = filed();
    let now = end() + TimeDelta::hours(1);
    claim.object("원래 있던 흠집".to_owned(), now).unwrap();
    assert!(!claim.pass_deadline(RULES.pay_within, end() + TimeDelta::days(365)));
    let too_high = ClaimRefusal::AmountTooHigh { max_krw: 150_000 };
    assert_eq!(
        claim.decide(150_001, decision(now), RULES.pay_within),
        Err(too_high)
    );
    claim.decide(120_000, decision(now), RULES.pay_within).unwrap();
    assert_eq!(
        (claim.status, claim.approved_krw),
        (ClaimStatus::AwaitingPayment, Some(120_000))
    );
}

#[test]
fn rejected_claim_charges_nothing() {
    let mut claim = filed();
    let closed = ClaimRefusal::Closed {
        status: ClaimStatus::Open,
    };
    assert_eq!(claim.decide(0, decision(end()), RULES.pay_within), Err(closed));
    claim.object("아니요".to_owned(), end()).unwrap();
    claim.decide(0, decision(end()), RULES.pay_within).unwrap();
    assert_eq!((claim.status, claim.approved_krw), (ClaimStatus::Rejected, None));
    assert_eq!(claim.payment_due_at, None);
}

#[test]
fn refunded_total_only_grows() {
    let mut claim = filed();
    assert!(claim.record_refund(100, end()));
    assert!(!claim.record_refund(100, end()));
    assert!(!claim.record_refund(50, end()));
    assert_eq!(claim.refunded_krw, 100);
}
