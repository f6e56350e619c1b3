//! Conversions of prices and cancellation policies.

use anyhow::Context as _;
use carshare_chassis::proto_types::timestamp;
use carshare_proto::booking::v1 as pb;
use carshare_proto::vehicle::v1::{self as vehicle, Vehicle};
use chrono::{DateTime, Utc};

use crate::domain::policy::Step;
use crate::domain::price::{DatedRate, LineKind, LongRentalDiscount, PriceLine, Rates};
use crate::domain::{CancellationPolicy, Price};
use crate::error::Error;

/// Converts the rates of a car of the vehicle service. Invalid ones are a defect.
pub fn rates(vehicle: &Vehicle) -> Result<Rates, Error> {
    let pricing = vehicle.pricing.clone().unwrap_or_default();
    let dated = pricing.dated_rates.iter().map(dated_rate);
    let discounts = pricing.long_rental_discounts.iter();
    let discounts = discounts.map(|discount| LongRentalDiscount {
        min_hours: discount.min_hours,
        percent: discount.percent,
    });
    Ok(Rates {
        hourly_krw: vehicle.hourly_rate,
        dated: dated.collect::<anyhow::Result<_>>().map_err(Error::internal)?,
        long_rental_discounts: discounts.collect(),
    })
}

fn dated_rate(rate: &vehicle::DatedRate) -> anyhow::Result<DatedRate> {
    Ok(DatedRate {
        start_date: rate.start_date.parse().context("start_date")?,
        end_date: rate.end_date.parse().context("end_date")?,
        hourly_krw: rate.hourly_rate,
    })
}

pub fn price_lines(price: &Price) -> Vec<pb::PriceLine> {
    price.lines.iter().map(price_line).collect()
}

fn price_line(line: &PriceLine) -> pb::PriceLine {
    let kind = match line.kind {
        LineKind::Time => pb::PriceLineKind::Time,
        LineKind::DatedTime => pb::PriceLineKind::DatedTime,
        LineKind::LongRentalDiscount => pb::PriceLineKind::LongRentalDiscount,
        LineKind::HostCoupon => pb::PriceLineKind::HostCoupon,
        LineKind::PlatformCoupon => pb::PriceLineKind::PlatformCoupon,
    };
    pb::PriceLine {
        kind: kind.into(),
        quantity: i32::try_from(line.half_hours).unwrap_or(i32::MAX),
        unit_amount: line.unit_krw,
        percent: line.percent,
        amount: line.amount_krw,
    }
}

/// Converts a policy, with the times of its steps for a rental that starts then.
pub fn policy(policy: &CancellationPolicy, start: Option<DateTime<Utc>>) -> pb::CancellationPolicy {
    pb::CancellationPolicy {
        version: policy.version,
        is_host_policy: policy.is_host_policy,
        steps: policy.steps.iter().map(|each| step(each, start)).collect(),
    }
}

/// Converts a step, with its time for a rental that starts then.
pub fn step(step: &Step, start: Option<DateTime<Utc>>) -> pb::CancellationStep {
    pb::CancellationStep {
        hours_before_start: step.before_start_s / 3_600,
        refund_percent: step.refund_bps / 100,
        until: start.map(|start| timestamp(step.until(start))),
    }
}
