//! Errors of this service, and their reasons in the contract.

mod refusals;

use carshare_chassis as chassis;
use carshare_objects::image::ImageFault;
use carshare_proto::booking::v1::ErrorReason;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::ErrorReason as VehicleReason;
use sea_orm::DbErr;

use crate::domain::handover::{Angle, HandoverRefusal, Phase};
use crate::domain::policy::Harsher;
use crate::domain::{ChangeRefusal, ClaimRefusal, CouponRefusal, Refusal, ReviewRefusal, Status};

/// Why a file is not the announced photo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhotoFault {
    NotUploaded,
    Image(ImageFault),
}

impl PhotoFault {
    /// Returns the value in error metadata.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotUploaded => "not_uploaded",
            Self::Image(fault) => ImageFault::as_str(fault),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Unknown, or not a booking of the caller.
    #[error("no such booking")]
    BookingNotFound,
    /// The car is not free for the whole period.
    #[error("the slot is taken")]
    SlotTaken,
    #[error("the rental would start in the past")]
    StartInPast,
    #[error("a booking that is {} cannot become {}", from.as_str(), to.as_str())]
    WrongState {
        from: Status,
        /// The status that the call leads to.
        to: Status,
    },
    #[error("the booking is not paid")]
    NotPaid,
    /// Earlier than 30 minutes before the start.
    #[error("it is too early to start")]
    TooEarly,
    #[error("the period of the rental is over")]
    TooLate,
    /// The id of the new booking is that of an earlier one: the same request with the same key, more than a day ago.
    #[error("the id belongs to an earlier booking")]
    IdTaken,
    /// Older than its lifetime.
    #[error("the quote has expired")]
    QuoteExpired,
    /// Not issued to this guest for this car and period.
    #[error("the quote token is not valid for this request")]
    QuoteInvalid,
    /// Not what the caller of a cancellation expects.
    #[error("the refund is {refund_krw} won by now")]
    RefundChanged { refund_krw: i64 },
    #[error("the policy of the host: {0}")]
    PolicyTooHarsh(#[from] Harsher),
    #[error("the guest has {limit} open requests")]
    TooManyOpenRequests { limit: u32 },
    #[error("the guest has {limit} bookings in this period")]
    TooManyOverlappingBookings { limit: u32 },
    #[error("the guest has {limit} open requests without a verified address or a payment method")]
    VerificationRequired { limit: u32 },
    /// The account of the guest is deleted.
    #[error("the guest is closed")]
    GuestClosed,
    /// The account of the host is deleted, and their cars are about to be withdrawn.
    #[error("the host is closed")]
    HostClosed,
    /// Unknown, or of another booking.
    #[error("no such change")]
    ChangeNotFound,
    #[error("the change is refused: {0:?}")]
    Change(ChangeRefusal),
    /// Unknown, or of another booking.
    #[error("no such claim")]
    ClaimNotFound,
    #[error("the claim is refused: {0:?}")]
    Claim(ClaimRefusal),
    #[error("the coupon is refused: {0:?}")]
    Coupon(CouponRefusal),
    #[error("the review is refused: {0:?}")]
    Review(ReviewRefusal),
    /// Too early, too late, confirmed by both sides, or not in this state.
    #[error("the {} of a booking that is {} is not recorded now", phase.as_str(), status.as_str())]
    HandoverClosed { phase: Phase, status: Status },
    #[error("the handover has {max} of them")]
    HandoverFull { max: u64 },
    #[error("photos are missing")]
    PhotosMissing(Vec<Angle>),
    #[error("the odometer showed {pickup_km} km at the pickup")]
    OdometerBackwards { pickup_km: i64 },
    #[error("the report is not the present one of the other side")]
    HandoverChanged,
    #[error("no such photo")]
    PhotoNotFound,
    #[error("the file is not a photo: {}", .0.as_str())]
    PhotoInvalid(PhotoFault),
    #[error(transparent)]
    Store(carshare_store::Error),
    /// An error of a peer or of the server stack, or a defect.
    #[error(transparent)]
    Chassis(#[from] chassis::Error),
}

impl Error {
    /// Returns the error of a defect.
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Self::Chassis(chassis::Error::internal(cause))
    }

    /// Returns whether the vehicle service refused because the booking has lost its car.
    pub fn is_hold_lost(&self) -> bool {
        matches!(self, Self::Chassis(error) if error.is(VehicleReason::VehicleHoldLost))
    }

    /// Converts an error of the vehicle service: `VEHICLE_UNAVAILABLE` becomes `SLOT_TAKEN`, and `CONFLICT` means that the
    /// booking has had a car; others are passed on.
    pub fn from_vehicle(status: tonic::Status) -> Self {
        let answered = chassis::Error::from_status(status);
        if answered.is(VehicleReason::VehicleUnavailable) {
            Self::SlotTaken
        } else if answered.is(Common::Conflict) {
            Self::IdTaken
        } else {
            Self::Chassis(answered)
        }
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        carshare_store::Error::from(error).into()
    }
}

impl From<carshare_store::Error> for Error {
    /// The exclusion constraint over live bookings, primary keys, unique indexes and the trigger of closed users have errors of their own.
    fn from(error: carshare_store::Error) -> Self {
        match error.constraint() {
            Some("bookings_one_per_car") => Self::SlotTaken,
            Some("bookings_pkey") => Self::IdTaken,
            Some("bookings_guest_not_closed") => Self::GuestClosed,
            Some("bookings_host_not_closed") => Self::HostClosed,
            Some("coupons_pkey") => Self::Coupon(CouponRefusal::CodeTaken),
            Some("coupon_redemptions_one_per_guest") => Self::Coupon(CouponRefusal::AlreadyUsed),
            Some("reviews_one_per_side") => Self::Review(ReviewRefusal::AlreadyReviewed),
            _ => Self::Store(error),
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::WrongState { from, to } => Self::WrongState { from, to },
            Refusal::NotPaid => Self::NotPaid,
            Refusal::TooEarly => Self::TooEarly,
            Refusal::TooLate => Self::TooLate,
        }
    }
}

impl From<ChangeRefusal> for Error {
    fn from(refusal: ChangeRefusal) -> Self {
        match refusal {
            ChangeRefusal::Booking(refusal) => refusal.into(),
            ChangeRefusal::NoPrice => Self::internal(anyhow::anyhow!("the rates of a booking give no price")),
            refusal => Self::Change(refusal),
        }
    }
}

impl From<ReviewRefusal> for Error {
    fn from(refusal: ReviewRefusal) -> Self {
        Self::Review(refusal)
    }
}

impl From<ClaimRefusal> for Error {
    fn from(refusal: ClaimRefusal) -> Self {
        Self::Claim(refusal)
    }
}

impl From<CouponRefusal> for Error {
    fn from(refusal: CouponRefusal) -> Self {
        Self::Coupon(refusal)
    }
}

impl From<HandoverRefusal> for Error {
    fn from(refusal: HandoverRefusal) -> Self {
        match refusal {
            HandoverRefusal::Closed { phase, status } => Self::HandoverClosed { phase, status },
            HandoverRefusal::Full { max } => Self::HandoverFull { max: max as u64 },
            HandoverRefusal::PhotosMissing(angles) => Self::PhotosMissing(angles),
            HandoverRefusal::OdometerBackwards { pickup_km } => Self::OdometerBackwards { pickup_km },
            HandoverRefusal::Changed => Self::HandoverChanged,
        }
    }
}

impl From<carshare_objects::Error> for Error {
    fn from(error: carshare_objects::Error) -> Self {
        Self::Chassis(error.into())
    }
}

impl From<Error> for chassis::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::BookingNotFound => Self::new(ErrorReason::BookingNotFound),
            Error::SlotTaken => Self::new(ErrorReason::SlotTaken),
            Error::StartInPast => Self::new(ErrorReason::StartInPast),
            Error::WrongState { from, to } => Self::new(ErrorReason::WrongState)
                .with("from", from.as_str())
                .with("to", to.as_str()),
            Error::NotPaid => Self::new(ErrorReason::NotPaid),
            Error::TooEarly => Self::new(ErrorReason::TooEarly),
            Error::TooLate => Self::new(ErrorReason::TooLate),
            Error::IdTaken => Self::new(Common::Conflict),
            Error::QuoteExpired => Self::new(ErrorReason::QuoteExpired),
            Error::QuoteInvalid => Self::new(ErrorReason::QuoteInvalid),
            Error::RefundChanged { refund_krw } => {
                Self::new(ErrorReason::RefundChanged).with("refund_amount", refund_krw.to_string())
            }
            Error::PolicyTooHarsh(harsher) => Self::new(ErrorReason::PolicyTooHarsh)
                .with("hours", (harsher.before_start_s / 3_600).to_string())
                .with("percent", (harsher.refund_bps / 100).to_string()),
            Error::TooManyOpenRequests { limit } => {
                Self::new(ErrorReason::TooManyOpenRequests).with("limit", limit.to_string())
            }
            Error::TooManyOverlappingBookings { limit } => {
                Self::new(ErrorReason::TooManyOverlappingBookings).with("limit", limit.to_string())
            }
            Error::VerificationRequired { limit } => {
                Self::new(ErrorReason::VerificationRequired).with("limit", limit.to_string())
            }
            Error::GuestClosed => Self::new(ErrorReason::AccountClosed),
            Error::HostClosed => Self::new(VehicleReason::VehicleNotFound),
            Error::ChangeNotFound => Self::new(ErrorReason::ChangeNotFound),
            Error::Change(refusal) => refusals::change(refusal),
            Error::ClaimNotFound => Self::new(ErrorReason::ClaimNotFound),
            Error::Claim(refusal) => refusals::claim(refusal),
            Error::Coupon(refusal) => refusals::coupon(refusal),
            Error::Review(refusal) => refusals::review(refusal),
            Error::HandoverClosed { phase, status } => Self::new(ErrorReason::HandoverClosed)
                .with("phase", phase.as_str())
                .with("status", status.as_str()),
            Error::HandoverFull { max } => Self::new(ErrorReason::HandoverFull).with("max", max.to_string()),
            Error::PhotosMissing(angles) => {
                let angles: Vec<_> = angles.iter().map(|angle| angle.as_str()).collect();
                Self::new(ErrorReason::PhotosMissing).with("angles", angles.join(","))
            }
            Error::OdometerBackwards { pickup_km } => {
                Self::new(ErrorReason::OdometerBackwards).with("pickup_km", pickup_km.to_string())
            }
            Error::HandoverChanged => Self::new(ErrorReason::HandoverChanged),
            Error::PhotoNotFound => Self::new(ErrorReason::PhotoNotFound),
            Error::PhotoInvalid(fault) => Self::new(ErrorReason::PhotoInvalid).with("fault", fault.as_str()),
            Error::Store(error) => error.into(),
            Error::Chassis(error) => error,
        }
    }
}
