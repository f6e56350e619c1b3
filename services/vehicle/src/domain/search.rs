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
    /// Length of an encoded key.
    pub const LEN: usize = 24;

    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = self.chord_m.to_be_bytes().to_vec();
        bytes.extend_from_slice(self.id.0.as_bytes());
        bytes
    }

    /// Decodes a key; `None` when its distance is not finite.
    pub fn decode(bytes: [u8; Self::LEN]) -> Option<Self> {
        let (chord_m, id) = bytes.split_first_chunk::<8>()?;
        let key = Self {
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
        let id = VehicleId(Uuid::from_u128(7));
        PageKey { chord_m, id }
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
