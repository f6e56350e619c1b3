//! The place of a car as shown to callers who are neither its host nor the guest of an approved booking: the district and the middle of
//! a square of the map, without the license plate.
//!
//! The same place always becomes the same square, so that repeated requests do not average out to the exact one. Here, because
//! several services show cars.

use crate::vehicle::v1::Vehicle;

/// Squares in a degree of latitude or longitude: in Korea a square is 1.1 km high and 0.9 km wide.
const SQUARES_PER_DEGREE: f64 = 100.0;

/// Upper bound of the distance between a place in Korea and the middle of its square, in metres: half the diagonal at 33 degrees.
pub const ERROR_LIMIT_M: f64 = 730.0;

/// Returns the middle of the square in which a coordinate is, in degrees.
pub fn approximate_degrees(exact: f64) -> f64 {
    // Of an integer, so that the result is a short decimal.
    ((exact * SQUARES_PER_DEGREE).floor() * 10.0 + 5.0) / (SQUARES_PER_DEGREE * 10.0)
}

/// Returns the car without its license plate and its exact place.
pub fn without_exact_place(vehicle: Vehicle) -> Vehicle {
    Vehicle {
        license_plate: String::new(),
        location_address: approximate_address(&vehicle.location_address),
        location_lat: approximate_degrees(vehicle.location_lat),
        location_lng: approximate_degrees(vehicle.location_lng),
        ..vehicle
    }
}

/// Returns the part of a Korean address down to the district: province, city, county or ward, and the town or legal neighbourhood
/// of a lot-number address. Never a road.
pub fn approximate_address(address: &str) -> String {
    let mut words = address.split_whitespace();
    let mut kept: Vec<&str> = words.next().filter(|word| is_name(word)).into_iter().collect();
    for word in words {
        let is_wide = word.ends_with(['시', '군', '구']);
        let is_town = word.ends_with(['읍', '면', '동', '가']);
        if !(is_wide || is_town) || !is_name(word) {
            break;
        }
        kept.push(word);
        if is_town {
            break;
        }
    }
    kept.join(" ")
}

/// Returns whether a word of an address names a part of the country and not a building, such as `101동`.
fn is_name(word: &str) -> bool {
    word.chars().count() > 1 && !word.starts_with(|first: char| first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_is_cut_to_its_district() {
        let table = [
            ("서울 중구 세종대로 110", "서울 중구"),
            ("서울 강남구 역삼동 737", "서울 강남구 역삼동"),
            ("서울 중구 태평로1가 31", "서울 중구 태평로1가"),
            ("경기 성남시 분당구 판교역로 166", "경기 성남시 분당구"),
            ("경기 가평군 청평면 대성리 393", "경기 가평군 청평면"),
            ("세종특별자치시 도움6로 11", "세종특별자치시"),
            ("서울 강동구 101동 12", "서울 강동구"),
            ("110 세종대로", ""),
            ("", ""),
        ];
        for (address, expected) in table {
            assert_eq!(approximate_address(address), expected, "{address}");
        }
    }

    #[test]
    fn coordinates_are_of_the_middle_of_their_square() {
        for exact in [126.97, 126.975, 126.9779, 126.979_999] {
            assert_eq!(approximate_degrees(exact).to_string(), "126.975", "{exact}");
        }
        assert_eq!(approximate_degrees(37.566_317_4).to_string(), "37.565");
    }

    #[test]
    fn car_shows_nothing_exact_and_the_rest_unchanged() {
        let exact = Vehicle {
            id: "7".to_owned(),
            license_plate: "12가3456".to_owned(),
            location_address: "서울 중구 세종대로 110".to_owned(),
            location_lat: 37.566_317_4,
            location_lng: 126.977_829,
            description: Some("충전 카드 포함".to_owned()),
            ..Default::default()
        };
        let shown = without_exact_place(exact.clone());
        let expected = Vehicle {
            license_plate: String::new(),
            location_address: "서울 중구".to_owned(),
            location_lat: 37.565,
            location_lng: 126.975,
            ..exact
        };
        assert_eq!(shown, expected);
        assert_eq!(without_exact_place(shown.clone()), shown);
    }
}
