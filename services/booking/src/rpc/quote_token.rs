//! Tokens of quotes: the quoted terms, authenticated together with guest, car and period (ADR 0055).

use carshare_chassis::signed_token::TokenKey;

use crate::App;
use crate::domain::Quote;
use crate::error::Error;
use crate::hold::HoldRequest;

/// Derives the key from that of page tokens. A change of the encoding needs another name.
const PURPOSE: &str = "carshare.booking.quote.v1";

/// Of quotes with a coupon, so that the previous release, which would not redeem it, refuses their tokens.
const PURPOSE_WITH_COUPON: &str = "carshare.booking.quote.coupon.v1";

/// Returns the token of a quote for this rental.
pub async fn seal(app: &App, rental: &HoldRequest, quote: &Quote) -> Result<String, Error> {
    let payload = serde_json::to_vec(quote).map_err(Error::internal)?;
    let purpose = match quote.coupon {
        Some(_) => PURPOSE_WITH_COUPON,
        None => PURPOSE,
    };
    let key = app.db.page_token_key().await?.derive(purpose);
    Ok(with_bound(rental, |bound| key.seal(bound, &payload)))
}

/// Returns the quote of a token for this rental. `QuoteInvalid` if the token was not issued for it, `QuoteExpired` if it is too old.
pub async fn open(app: &App, rental: &HoldRequest, token: &str) -> Result<Quote, Error> {
    let key = app.db.page_token_key().await?;
    let quote = match read(&key.derive(PURPOSE), rental, token) {
        Err(Error::QuoteInvalid) => read(&key.derive(PURPOSE_WITH_COUPON), rental, token)?,
        without_coupon => without_coupon?,
    };
    if quote.is_expired(app.environment.clock.now()) {
        return Err(Error::QuoteExpired);
    }
    Ok(quote)
}

fn read(key: &TokenKey, rental: &HoldRequest, token: &str) -> Result<Quote, Error> {
    let payload = with_bound(rental, |bound| key.open(bound, token)).ok_or(Error::QuoteInvalid)?;
    serde_json::from_slice(&payload).map_err(Error::internal)
}

/// Calls `work` with what a token is bound to.
fn with_bound<T>(rental: &HoldRequest, work: impl FnOnce(&[&[u8]]) -> T) -> T {
    let start = rental.period.start().timestamp_micros().to_be_bytes();
    let end = rental.period.end().timestamp_micros().to_be_bytes();
    work(&[
        rental.guest.0.as_bytes(),
        rental.vehicle.0.as_bytes(),
        &start,
        &end,
    ])
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::domain::coupon::CouponCode;
    use crate::domain::policy::tests::{platform, step};
    use crate::domain::price::{LineKind, PriceLine, Rates};
    use crate::domain::{Period, Price, Steps, UserId, VehicleId};

    fn rental(vehicle: u128, guest: u128, start_s: i64, length_s: i64) -> HoldRequest {
        let start: DateTime<Utc> = DateTime::from_timestamp(1_900_000_000 + start_s, 0).unwrap();
        HoldRequest {
            vehicle: VehicleId(Uuid::from_u128(vehicle)),
            guest: UserId(Uuid::from_u128(guest)),
            period: Period::new(start, start + TimeDelta::seconds(length_s)).unwrap(),
        }
    }

    fn quote(rental: &HoldRequest) -> Quote {
        let rates = Rates {
            hourly_krw: 15_000,
            dated: Vec::new(),
            long_rental_discounts: Vec::new(),
        };
        let price = Price::quote(&rental.period, &rates, None).unwrap();
        Quote::new(price, platform(), None, rental.period.start())
    }

    fn sealed(key: &TokenKey, rental: &HoldRequest) -> String {
        let payload = serde_json::to_vec(&quote(rental)).unwrap();
        with_bound(rental, |bound| key.seal(bound, &payload))
    }

    fn key() -> TokenKey {
        TokenKey::new(&[7; 32])
    }

    proptest! {
        /// Ranges are small, so that rentals are often equal.
        #[test]
        fn token_is_valid_for_its_rental_only(
            a in (0..3u128, 0..3u128, 0..3i64, 3_600..3_603i64), b in (0..3u128, 0..3u128, 0..3i64, 3_600..3_603i64)
        ) {
            let (issued, used) = (rental(a.0, a.1, a.2, a.3), rental(b.0, b.1, b.2, b.3));
            match read(&key(), &used, &sealed(&key(), &issued)) {
                Ok(read) => prop_assert!(a == b && read == quote(&issued)),
                Err(error) => prop_assert!(a != b && matches!(error, Error::QuoteInvalid)),
            }
        }

        #[test]
        fn token_with_a_changed_character_is_invalid(at in any::<prop::sample::Index>(), to in "[A-Za-z0-9_-]") {
            let rental = rental(1, 2, 0, 3_600);
            let token = sealed(&key(), &rental);
            let at = at.index(token.len());
            let changed = format!("{}{to}{}", &token[..at], &token[at + 1..]);
            prop_assume!(changed != token);
            prop_assert!(matches!(read(&key(), &rental, &changed), Err(Error::QuoteInvalid)));
        }
    }

    #[test]
    fn token_of_another_key_is_invalid() {
        let rental = rental(1, 2, 0, 3_600);
        let token = sealed(&TokenKey::new(&[8; 32]), &rental);
        assert!(matches!(read(&key(), &rental, &token), Err(Error::QuoteInvalid)));
    }

    #[test]
    fn longest_token_fits_the_field() {
        let rental = rental(1, 2, 0, 30 * 24 * 3_600);
        let mut quote = quote(&rental);
        let line = PriceLine {
            kind: LineKind::LongRentalDiscount,
            half_hours: 1_440,
            unit_krw: 1_000_000,
            percent: 80,
            amount_krw: -576_000_000,
        };
        quote.price.lines = vec![line; 22];
        let coupon = PriceLine {
            kind: LineKind::PlatformCoupon,
            half_hours: 0,
            unit_krw: 0,
            percent: 0,
            amount_krw: -86_400_000,
        };
        quote.price.lines.push(coupon);
        quote.coupon = Some(CouponCode::new(&"A".repeat(20)));
        quote.policy.steps = Steps::new((0..5).map(|n| step(2_592_000 - n, 10_000 - n)).collect()).unwrap();
        let payload = serde_json::to_vec(&quote).unwrap();
        assert!(with_bound(&rental, |bound| key().seal(bound, &payload)).len() <= 4_096);
    }
}
