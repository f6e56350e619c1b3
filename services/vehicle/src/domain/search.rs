//! A search for cars, and the key of its pages.

use uuid::Uuid;

use super::ids::VehicleId;
use super::location::{Coordinates, Distance};
use super::period::Period;
use super::vehicle::{Fuel, Transmission};

/// A search for cars that are free for the whole period, within the radius.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Query {
    pub center: Coordinates,
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

/// Sort key of a car in a search: the rate, if the search is ordered by it, the distance, then the id, because many cars stand at
/// one address.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PageKey {
    pub hourly_rate_krw: i64,
    /// Straight distance from the centre in metres, bit for bit as the database computed it.
    pub chord_m: f64,
    pub id: VehicleId,
}

impl PageKey {
    /// Length of an encoded key.
    pub const LEN: usize = 32;

    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = self.hourly_rate_krw.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.chord_m.to_be_bytes());
        bytes.extend_from_slice(self.id.0.as_bytes());
        bytes
    }

    /// Decodes a key; `None` when its distance is not finite.
    pub fn decode(bytes: [u8; Self::LEN]) -> Option<Self> {
        let (rate, rest) = bytes.split_first_chunk::<8>()?;
        let (chord_m, id) = rest.split_first_chunk::<8>()?;
        let key = Self {
            hourly_rate_krw: i64::from_be_bytes(*rate),
            chord_m: f64::from_be_bytes(*chord_m),
            id: VehicleId(Uuid::from_slice(id).ok()?),
        };
        key.chord_m.is_finite().then_some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(chord_m: f64) -> PageKey {
        PageKey {
            hourly_rate_krw: 12_500,
            chord_m,
            id: VehicleId(Uuid::from_u128(7)),
        }
    }

    fn round_trip(key: PageKey) -> Option<PageKey> {
        PageKey::decode(key.encode().try_into().unwrap())
    }

    #[test]
    fn key_round_trips_exactly() {
        assert_eq!(round_trip(key(0.1 + 0.2)), Some(key(0.1 + 0.2)));
    }

    #[test]
    fn key_without_a_finite_distance_is_refused() {
        for chord_m in [f64::NAN, f64::INFINITY] {
            assert_eq!(round_trip(key(chord_m)), None, "{chord_m}");
        }
    }
}
