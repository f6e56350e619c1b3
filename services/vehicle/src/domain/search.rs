//! A search for cars.

use super::location::{Coordinates, Distance};
use super::period::Period;
use super::vehicle::{Fuel, Transmission};

/// A search for cars that are free for the whole period, within the radius.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Query {
    pub center: Coordinates,
    /// Of the exact places.
    pub radius: Distance,
    pub period: Period,
    pub order: SearchOrder,
    pub filter: SearchFilter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchOrder {
    /// Nearest first.
    Distance,
    /// Cheapest hour first, then nearest first.
    HourlyRate,
}

/// Attributes of the cars to find; `None` matches all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SearchFilter {
    pub fuel: Option<Fuel>,
    pub transmission: Option<Transmission>,
    pub max_hourly_rate_krw: Option<i64>,
}
