//! A search for cars, and the key of its pages.

use super::ids::VehicleId;
use super::location::{Coordinates, Distance};
use super::period::Period;
use uuid::Uuid;

/// A search for cars that are free for the whole period, within the radius.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Query {
    pub center: Coordinates,
    pub radius: Distance,
    pub period: Period,
}

/// Sort key of a car in a search: the distance, then the id, because many cars stand at one address.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PageKey {
    /// Straight distance from the centre in metres, bit for bit as the database computed it.
    pub chord_m: f64,
    pub id: VehicleId,
}

impl PageKey {
    /// Encodes the key together with the search it belongs to.
    pub fn encode(&self, query: &Query) -> [u8; 64] {
        let parts = [
            &self.chord_m.to_be_bytes()[..],
            self.id.0.as_bytes(),
            &query.encode(),
        ];
        let mut bytes = [0; 64];
        for (into, byte) in bytes.iter_mut().zip(parts.into_iter().flatten()) {
            *into = *byte;
        }
        bytes
    }

    /// Decodes a key. `None` if it is malformed or belongs to another search.
    pub fn decode(bytes: &[u8; 64], query: &Query) -> Option<Self> {
        let (chord_m, rest) = bytes.split_first_chunk::<8>()?;
        let (id, of_query) = rest.split_first_chunk::<16>()?;
        let key = Self {
            chord_m: f64::from_be_bytes(*chord_m),
            id: VehicleId(Uuid::from_bytes(*id)),
        };
        (key.chord_m.is_finite() && of_query == query.encode()).then_some(key)
    }
}

impl Query {
    fn encode(&self) -> [u8; 40] {
        let numbers = [
            self.center.lat.to_be_bytes(),
            self.center.lng.to_be_bytes(),
            self.radius.m().to_be_bytes(),
            self.period.start().timestamp_micros().to_be_bytes(),
            self.period.end().timestamp_micros().to_be_bytes(),
        ];
        let mut bytes = [0; 40];
        for (into, number) in bytes.chunks_exact_mut(8).zip(numbers) {
            into.copy_from_slice(&number);
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(radius_km: f64) -> Query {
        let (start, end) = (
            "2026-11-23T00:00:00Z".parse().unwrap(),
            "2026-11-23T03:00:00Z".parse().unwrap(),
        );
        Query {
            center: Coordinates {
                lat: 37.5,
                lng: 127.0,
            },
            radius: Distance::from_km(radius_km),
            period: Period::new(start, end).unwrap(),
        }
    }

    fn key() -> PageKey {
        PageKey {
            chord_m: 0.1 + 0.2,
            id: VehicleId(Uuid::from_u128(7)),
        }
    }

    #[test]
    fn key_round_trips_exactly() {
        let bytes = key().encode(&query(5.0));
        assert_eq!(PageKey::decode(&bytes, &query(5.0)), Some(key()));
    }

    #[test]
    fn key_of_another_search_is_refused() {
        let bytes = key().encode(&query(5.0));
        assert_eq!(PageKey::decode(&bytes, &query(6.0)), None);
    }

    #[test]
    fn key_without_a_finite_distance_is_refused() {
        for chord_m in [f64::NAN, f64::INFINITY] {
            let bytes = PageKey { chord_m, ..key() }.encode(&query(5.0));
            assert_eq!(PageKey::decode(&bytes, &query(5.0)), None, "{chord_m}");
        }
    }
}
