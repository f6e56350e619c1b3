//! Calls of `CouponService`, and bookings with coupons.

use carshare_proto::booking::v1::coupon_service_client::CouponServiceClient;
use carshare_proto::booking::v1::*;
use carshare_proto::vehicle::v1::Vehicle;
use tonic::Status;
use tonic::transport::Channel;

use super::{Harness, Person, input, into_message, quote_of, timestamp};

impl Harness {
    pub fn coupons(&self) -> CouponServiceClient<Channel> {
        CouponServiceClient::new(self.channel())
    }

    pub async fn create_coupon(&self, person: Person, input: CreateCouponRequest) -> Result<Coupon, Status> {
        let request = self.request(person, input);
        into_message(self.coupons().create_coupon(request).await)
    }

    pub async fn disable_coupon(&self, person: Person, code: &str) -> Result<Coupon, Status> {
        let request = self.request(person, DisableCouponRequest { code: code.into() });
        into_message(self.coupons().disable_coupon(request).await)
    }

    pub async fn list_coupons(
        &self,
        person: Person,
        page_size: i32,
        page_token: &str,
    ) -> Result<ListCouponsResponse, Status> {
        let input = ListCouponsRequest {
            page_size,
            page_token: page_token.into(),
        };
        let request = self.request(person, input);
        into_message(self.coupons().list_coupons(request).await)
    }

    /// Quotes the rental of [`quote_of`] with a coupon.
    pub async fn quote_with(&self, guest: Person, car: &Vehicle, code: &str) -> Result<BookingQuote, Status> {
        let request = QuoteBookingRequest {
            coupon_code: Some(code.into()),
            ..quote_of(car)
        };
        self.quote(guest, request).await
    }

    /// Creates the booking of [`input`] with a coupon.
    pub async fn create_with(&self, guest: Person, car: &Vehicle, code: &str) -> Result<Booking, Status> {
        self.create(guest, with_coupon(car, code)).await
    }

    /// Returns how often a coupon is redeemed: its counter, which its rows confirm.
    pub async fn redeemed(&self, code: &str) -> i64 {
        let rows = format!(
            "SELECT count(*) AS count FROM coupon_redemptions WHERE code = '{code}' AND released_at IS NULL"
        );
        let counter = format!("SELECT redeemed::bigint AS count FROM coupons WHERE code = '{code}'");
        let (rows, counter) = (self.count(&rows).await, self.count(&counter).await);
        assert_eq!(rows, counter);
        counter
    }
}

/// The request of [`input`] with a coupon.
pub fn with_coupon(car: &Vehicle, code: &str) -> CreateBookingRequest {
    CreateBookingRequest {
        coupon_code: Some(code.into()),
        ..input(car)
    }
}

fn unlimited(code: &str) -> CreateCouponRequest {
    CreateCouponRequest {
        code: code.into(),
        percent: None,
        amount: None,
        min_price: 0,
        valid_from: Some(timestamp("2026-11-22T00:00:00Z")),
        valid_until: Some(timestamp("2026-12-31T00:00:00Z")),
        max_redemptions: None,
        vehicle_id: None,
    }
}

/// Coupon of a percentage, valid until the end of the year.
pub fn percent_off(code: &str, percent: i32) -> CreateCouponRequest {
    CreateCouponRequest {
        percent: Some(percent),
        ..unlimited(code)
    }
}

/// Coupon of an amount, valid until the end of the year.
pub fn won_off(code: &str, amount: i64) -> CreateCouponRequest {
    CreateCouponRequest {
        amount: Some(amount),
        ..unlimited(code)
    }
}
