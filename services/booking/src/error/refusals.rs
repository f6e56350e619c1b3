//! Refusals of the domain as errors of the contract.

use carshare_chassis as chassis;
use carshare_proto::booking::v1::ErrorReason;

use super::Error;
use crate::domain::{ChangeRefusal, ClaimRefusal, CouponRefusal, ReviewRefusal};

pub(super) fn change(refusal: ChangeRefusal) -> chassis::Error {
    match refusal {
        ChangeRefusal::Booking(_) | ChangeRefusal::NoPrice => Error::from(refusal).into(),
        ChangeRefusal::Open => chassis::Error::new(ErrorReason::ChangeOpen),
        ChangeRefusal::WithoutEffect => chassis::Error::new(ErrorReason::ChangeWithoutEffect),
        ChangeRefusal::PeriodInvalid => chassis::Error::new(ErrorReason::PeriodInvalid),
        ChangeRefusal::Closed { status } => {
            chassis::Error::new(ErrorReason::ChangeClosed).with("status", status.as_str())
        }
        ChangeRefusal::OwnChange => chassis::Error::new(ErrorReason::OwnChange),
        ChangeRefusal::NotYourChange => chassis::Error::new(ErrorReason::NotYourChange),
    }
}

pub(super) fn review(refusal: ReviewRefusal) -> chassis::Error {
    match refusal {
        ReviewRefusal::NotCompleted => chassis::Error::new(ErrorReason::BookingNotCompleted),
        ReviewRefusal::PeriodOver { days } => {
            chassis::Error::new(ErrorReason::ReviewPeriodOver).with("days", days.to_string())
        }
        ReviewRefusal::AlreadyReviewed => chassis::Error::new(ErrorReason::AlreadyReviewed),
        ReviewRefusal::PartyClosed => chassis::Error::new(ErrorReason::ReviewPartyClosed),
        ReviewRefusal::NotFound => chassis::Error::new(ErrorReason::ReviewNotFound),
        ReviewRefusal::NotTheReviewee => chassis::Error::new(ErrorReason::NotTheReviewee),
        ReviewRefusal::AlreadyReplied => chassis::Error::new(ErrorReason::AlreadyReplied),
    }
}

pub(super) fn claim(refusal: ClaimRefusal) -> chassis::Error {
    match refusal {
        ClaimRefusal::NotCompleted => chassis::Error::new(ErrorReason::BookingNotCompleted),
        ClaimRefusal::PeriodOver { days } => {
            chassis::Error::new(ErrorReason::ClaimPeriodOver).with("days", days.to_string())
        }
        ClaimRefusal::EvidenceInvalid => chassis::Error::new(ErrorReason::ClaimEvidenceInvalid),
        ClaimRefusal::AmountTooHigh { max_krw } => {
            chassis::Error::new(ErrorReason::ClaimAmountTooHigh).with("max", max_krw.to_string())
        }
        ClaimRefusal::TooMany { max } => {
            chassis::Error::new(ErrorReason::TooManyClaims).with("max", max.to_string())
        }
        ClaimRefusal::PartyClosed => chassis::Error::new(ErrorReason::ClaimPartyClosed),
        ClaimRefusal::Closed { status } => {
            chassis::Error::new(ErrorReason::ClaimClosed).with("status", status.as_str())
        }
    }
}

pub(super) fn coupon(refusal: CouponRefusal) -> chassis::Error {
    match refusal {
        CouponRefusal::NotFound => chassis::Error::new(ErrorReason::CouponNotFound),
        CouponRefusal::NotValidNow => chassis::Error::new(ErrorReason::CouponNotValidNow),
        CouponRefusal::UsedUp => chassis::Error::new(ErrorReason::CouponUsedUp),
        CouponRefusal::AlreadyUsed => chassis::Error::new(ErrorReason::CouponAlreadyUsed),
        CouponRefusal::MinPrice { min_krw } => {
            chassis::Error::new(ErrorReason::CouponMinPrice).with("min", min_krw.to_string())
        }
        CouponRefusal::CodeTaken => chassis::Error::new(ErrorReason::CouponCodeTaken),
    }
}
