//! What a search asks for, and where a page of it ended.

use super::ids::VehicleId;
use super::location::{Coordinates, Distance};
use super::period::Period;
use uuid::Uuid;

/// A search: free for the whole period, within the radius.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Query {
    pub around: Coordinates,
    pub radius: Distance,
    pub period: Period,
}

/// The last car of a page. Cars are ordered by distance, then by id: many stand at one address, and a page that ends
/// among them must go on with the next one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cursor {
    /// Its straight distance from the place searched, in metres, bit for bit as the database computed it.
    pub chord_m: f64,
    pub id: VehicleId,
}

impl Cursor {
    /// The place of a page token: this cursor and the search it belongs to.
    pub fn place(&self, query: &Query) -> [u8; 64] {
        let parts = [
            &self.chord_m.to_be_bytes()[..],
            self.id.0.as_bytes(),
            &query.fingerprint(),
        ];
        let mut place = [0; 64];
        for (into, byte) in place.iter_mut().zip(parts.into_iter().flatten()) {
            *into = *byte;
        }
        place
    }

    /// The cursor of a place. `None` if it is none, or belongs to another search.
    pub fn at(place: &[u8; 64], query: &Query) -> Option<Self> {
        let (chord_m, rest) = place.split_first_chunk::<8>()?;
        let (id, fingerprint) = rest.split_first_chunk::<16>()?;
        let cursor = Self {
            chord_m: f64::from_be_bytes(*chord_m),
            id: VehicleId(Uuid::from_bytes(*id)),
        };
        (cursor.chord_m.is_finite() && fingerprint == query.fingerprint()).then_some(cursor)
    }
}

impl Query {
    /// The whole search in 40 bytes: short enough to be its own fingerprint.
    fn fingerprint(&self) -> [u8; 40] {
        let numbers = [
            self.around.lat.to_be_bytes(),
            self.around.lng.to_be_bytes(),
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
            around: Coordinates {
                lat: 37.5,
                lng: 127.0,
            },
            radius: Distance::from_km(radius_km),
            period: Period::new(start, end).unwrap(),
        }
    }

    fn cursor() -> Cursor {
        Cursor {
            chord_m: 0.1 + 0.2,
            id: VehicleId(Uuid::from_u128(7)),
        }
    }

    #[test]
    fn a_place_brings_the_cursor_back_exactly() {
        let place = cursor().place(&query(5.0));
        assert_eq!(Cursor::at(&place, &query(5.0)), Some(cursor()));
    }

    #[test]
    fn a_place_of_another_search_is_none() {
        let place = cursor().place(&query(5.0));
        assert_eq!(Cursor::at(&place, &query(6.0)), None);
    }

    #[test]
    fn a_place_at_no_distance_is_none() {
        for chord_m in [f64::NAN, f64::INFINITY] {
            let place = Cursor { chord_m, ..cursor() }.place(&query(5.0));
            assert_eq!(Cursor::at(&place, &query(5.0)), None, "{chord_m}");
        }
    }
}
