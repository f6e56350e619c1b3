//! Locations of cars, and distances between them.

use carshare_proto::approximate_place::{ERROR_LIMIT_M, approximate_address, approximate_degrees};

/// A pickup address found on the map.
#[derive(Clone, Debug, PartialEq)]
pub struct Location {
    /// In the spelling of the map service.
    pub address: String,
    pub coordinates: Coordinates,
}

/// A point on the earth in degrees, WGS 84.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coordinates {
    pub lat: f64,
    pub lng: f64,
}

/// A distance over ground, in metres.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Distance {
    m: f64,
}

/// Mean radius, as in the migration of `vehicles`.
const EARTH_RADIUS_M: f64 = 6_371_008.8;

impl Location {
    /// Returns the place as shown to those who do not see the exact one.
    pub fn approximate(&self) -> Self {
        Self {
            address: approximate_address(&self.address),
            coordinates: self.coordinates.approximate(),
        }
    }
}

impl Coordinates {
    /// Returns the point in metres from the centre of the earth. Straight lines between such points order locations as the
    /// distances over ground do, so a spatial index can be used.
    pub fn to_cartesian(self) -> [f64; 3] {
        let (lat, lng) = (self.lat.to_radians(), self.lng.to_radians());
        [lat.cos() * lng.cos(), lat.cos() * lng.sin(), lat.sin()].map(|part| part * EARTH_RADIUS_M)
    }

    pub fn distance_to(self, other: Self) -> Distance {
        let (from, to) = (self.to_cartesian(), other.to_cartesian());
        let squares = from.iter().zip(to).map(|(a, b)| (a - b).powi(2));
        Distance::from_chord(squares.sum::<f64>().sqrt())
    }

    /// Returns the place as shown to those who do not see the exact one.
    pub fn approximate(self) -> Self {
        Self {
            lat: approximate_degrees(self.lat),
            lng: approximate_degrees(self.lng),
        }
    }
}

impl Distance {
    pub fn from_km(km: f64) -> Self {
        Self { m: km * 1000.0 }
    }

    /// Returns the distance within which all places are whose approximate place is within this one.
    pub fn of_exact_places(self) -> Self {
        Self {
            m: self.m + ERROR_LIMIT_M,
        }
    }

    /// Converts the length of the straight line between two points, in metres.
    pub fn from_chord(chord_m: f64) -> Self {
        let half = (chord_m / (2.0 * EARTH_RADIUS_M)).clamp(0.0, 1.0);
        Self {
            m: 2.0 * EARTH_RADIUS_M * half.asin(),
        }
    }

    /// Returns the length of the straight line between two points at this distance, in metres.
    pub fn chord_m(self) -> f64 {
        2.0 * EARTH_RADIUS_M * (self.m / (2.0 * EARTH_RADIUS_M)).sin()
    }

    pub fn m(self) -> f64 {
        self.m
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CITY_HALL: Coordinates = Coordinates {
        lat: 37.566_317_420_960_1,
        lng: 126.977_829_174_031,
    };
    const GANGNAM: Coordinates = Coordinates {
        lat: 37.500_024_240_551_5,
        lng: 127.036_508_620_542,
    };

    #[test]
    fn distance_agrees_with_the_haversine_formula() {
        let half = |a: f64, b: f64| ((a - b).to_radians() / 2.0).sin().powi(2);
        let h = half(CITY_HALL.lat, GANGNAM.lat)
            + CITY_HALL.lat.to_radians().cos()
                * GANGNAM.lat.to_radians().cos()
                * half(CITY_HALL.lng, GANGNAM.lng);
        let expected = 2.0 * EARTH_RADIUS_M * h.sqrt().asin();
        let distance = CITY_HALL.distance_to(GANGNAM).m();
        assert!((distance - expected).abs() < 0.001, "{distance} {expected}");
        assert!((9_000.0..9_015.0).contains(&distance), "{distance}");
    }

    #[test]
    fn approximate_place_is_near_the_exact_one_all_over_korea() {
        let farthest = (0..2_000).map(|n| {
            let exact = Coordinates {
                lat: 33.0 + f64::from(n % 57) * 0.1 + f64::from(n) * 0.000_997,
                lng: 124.5 + f64::from(n % 75) * 0.1 + f64::from(n) * 0.001_013,
            };
            exact.distance_to(exact.approximate()).m()
        });
        let farthest = farthest.fold(0.0, f64::max);
        assert!((600.0..ERROR_LIMIT_M).contains(&farthest), "{farthest}");
        let corner = Coordinates {
            lat: 33.0,
            lng: 124.5,
        };
        assert!(corner.distance_to(corner.approximate()) < Distance::from_km(ERROR_LIMIT_M / 1000.0));
    }

    #[test]
    fn chord_and_distance_round_trip() {
        for km in [0.0, 0.3, 5.0, 100.0] {
            let back = Distance::from_chord(Distance::from_km(km).chord_m());
            assert!((back.m() - km * 1000.0).abs() < 0.001, "{km}");
        }
    }
}
