//! Conversions of prices beyond the hourly rate.

use carshare_chassis::Error as ChassisError;
use carshare_proto::vehicle::v1 as pb;
use chrono::NaiveDate;

use super::convert::optional_text;
use crate::domain::{DatedRate, InvalidPricing, LongRentalDiscount, Pricing};
use crate::error::Result;

/// Converts the field `pricing` of a request. `INVALID_ARGUMENT` names the row that is no date or contradicts another one.
pub fn from_request(pricing: pb::Pricing) -> Result<Pricing> {
    let dated_rates = pricing.dated_rates.into_iter().enumerate().map(dated_rate);
    let discounts = pricing.long_rental_discounts.into_iter();
    let discounts = discounts.map(|discount| LongRentalDiscount {
        min_hours: discount.min_hours,
        percent: discount.percent,
    });
    let pricing = Pricing::new(dated_rates.collect::<Result<_>>()?, discounts.collect());
    Ok(pricing.map_err(refusal)?)
}

fn dated_rate((row, rate): (usize, pb::DatedRate)) -> Result<DatedRate> {
    Ok(DatedRate {
        start_date: date(row, "start_date", &rate.start_date)?,
        end_date: date(row, "end_date", &rate.end_date)?,
        hourly_rate_krw: rate.hourly_rate,
        name: optional_text(rate.name),
    })
}

fn date(row: usize, field: &str, text: &str) -> Result<NaiveDate> {
    let field = format!("pricing.dated_rates[{row}].{field}");
    let refusal = |_| ChassisError::invalid(field, "존재하지 않는 날짜입니다.", "is not a date");
    Ok(text.parse().map_err(refusal)?)
}

fn refusal(invalid: InvalidPricing) -> ChassisError {
    match invalid {
        InvalidPricing::Reversed(row) => ChassisError::invalid(
            format!("pricing.dated_rates[{row}].end_date"),
            "시작일(start_date)과 같거나 그 뒤여야 합니다.",
            "must not be before start_date",
        ),
        InvalidPricing::Overlapping(row) => ChassisError::invalid(
            format!("pricing.dated_rates[{row}]"),
            "다른 기간 요금과 날짜가 겹칩니다.",
            "overlaps another dated rate",
        ),
        InvalidPricing::SameLength(row) => ChassisError::invalid(
            format!("pricing.long_rental_discounts[{row}].min_hours"),
            "같은 시간의 할인이 이미 있습니다.",
            "is that of another discount",
        ),
    }
}

/// Converts prices for a reply. `None` if there are none.
pub fn to_message(pricing: Pricing) -> Option<pb::Pricing> {
    if pricing.is_empty() {
        return None;
    }
    let dated_rates = pricing.dated_rates.into_iter().map(|rate| pb::DatedRate {
        start_date: rate.start_date.to_string(),
        end_date: rate.end_date.to_string(),
        hourly_rate: rate.hourly_rate_krw,
        name: rate.name,
    });
    let discounts = pricing.long_rental_discounts.into_iter();
    let discounts = discounts.map(|discount| pb::LongRentalDiscount {
        min_hours: discount.min_hours,
        percent: discount.percent,
    });
    Some(pb::Pricing {
        dated_rates: dated_rates.collect(),
        long_rental_discounts: discounts.collect(),
    })
}
