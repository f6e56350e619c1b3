//! How many bookings a guest may have at a time.
//!
//! An account costs nothing to register, so one that has neither verified its e-mail address nor registered a payment method has a lower
//! limit. The address is a claim of the access token; payment is asked only when the lower limit is about to refuse, so that no other
//! booking waits for it.

use carshare_chassis::identity::UserCaller;
use carshare_proto::payment::v1::CheckPaymentMethodRequest;

use crate::App;
use crate::config::Rules;
use crate::error::Error;

/// Bookings that a guest may have for another one to be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuestLimits {
    /// Fewer than this wait for an answer or a payment.
    pub open: u32,
    /// Fewer than this overlap the new one.
    pub overlapping: u32,
}

impl GuestLimits {
    /// Returns the limits of an account that is verified or has a payment method.
    pub fn full(rules: &Rules) -> Self {
        Self {
            open: rules.max_open_requests,
            overlapping: rules.max_overlapping_bookings,
        }
    }

    /// Returns the limits that the access token proves.
    pub fn proven(rules: &Rules, guest: &UserCaller) -> Self {
        let full = Self::full(rules);
        if guest.email_verified {
            return full;
        }
        Self {
            open: full.open.min(rules.max_open_requests_unverified),
            ..full
        }
    }
}

/// Returns whether the guest has a payment method.
pub async fn has_payment_method(app: &App, guest: &UserCaller) -> Result<bool, Error> {
    let guest_id = guest.id.to_string();
    let mut payment = app.payment.clone();
    let reply = payment
        .check_payment_method(CheckPaymentMethodRequest { guest_id })
        .await;
    let reply = reply.map_err(carshare_chassis::Error::from_status)?;
    Ok(reply.into_inner().is_registered)
}
