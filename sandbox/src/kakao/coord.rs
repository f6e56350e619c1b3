//! `GET /v2/local/geo/coord2address.json`: from coordinates to the nearest address within [`REACH_M`].

use axum::Json;
use axum::extract::Query;
use serde::Deserialize;
use serde_json::{Value, json};

use super::addresses::{self, Place};
use super::document;
use super::error::Error;

/// Upper bound of the distance between coordinates and the address found for them, in metres.
const REACH_M: f64 = 200.0;

const EARTH_RADIUS_M: f64 = 6_371_000.0;

#[derive(Deserialize)]
pub(super) struct Parameters {
    x: Option<String>,
    y: Option<String>,
    input_coord: Option<String>,
}

pub(super) async fn handle(Query(parameters): Query<Parameters>) -> Result<Json<Value>, Error> {
    let longitude = coordinate("x", parameters.x.as_deref())?;
    let latitude = coordinate("y", parameters.y.as_deref())?;
    // Kakao's four other coordinate systems are not supported: no service uses them.
    if parameters
        .input_coord
        .as_deref()
        .is_some_and(|system| system != "WGS84")
    {
        return Err(Error::Invalid("input_coord is invalid".to_owned()));
    }
    let documents: Vec<Value> = nearest(longitude, latitude)
        .map(document::nearest)
        .into_iter()
        .collect();
    Ok(Json(
        json!({ "meta": { "total_count": documents.len() }, "documents": documents }),
    ))
}

fn coordinate(name: &'static str, given: Option<&str>) -> Result<f64, Error> {
    let given = given.ok_or(Error::Missing(name))?;
    given
        .parse::<f64>()
        .ok()
        .filter(|value| value.is_finite())
        .ok_or_else(|| Error::Invalid(format!("{name} is not a number")))
}

fn nearest(longitude: f64, latitude: f64) -> Option<&'static Place> {
    addresses::places()
        .iter()
        .filter_map(|place| Some((place, distance_m(place, longitude, latitude)?)))
        .filter(|(_, distance)| *distance <= REACH_M)
        .min_by(|(_, a), (_, b)| a.total_cmp(b))
        .map(|(place, _)| place)
}

/// Returns the great-circle distance (haversine) in metres.
fn distance_m(place: &Place, longitude: f64, latitude: f64) -> Option<f64> {
    let (x, y): (f64, f64) = (place.x.parse().ok()?, place.y.parse().ok()?);
    let half = |a: f64, b: f64| ((a - b).to_radians() / 2.0).sin().powi(2);
    let h = half(y, latitude) + y.to_radians().cos() * latitude.to_radians().cos() * half(x, longitude);
    Some(2.0 * EARTH_RADIUS_M * h.sqrt().asin())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn road_at(longitude: f64, latitude: f64) -> Option<String> {
        nearest(longitude, latitude)
            .and_then(|place| place.road.as_ref())
            .map(super::addresses::Road::name)
    }

    #[test]
    fn nearest_place_within_200_metres_is_found() {
        assert_eq!(
            road_at(127.0365, 37.5000).as_deref(),
            Some("서울 강남구 테헤란로 152")
        );
        // 0.0018° of latitude are 200.15 m.
        assert_eq!(
            road_at(127.173_182, 37.558_797 + 0.001_79).as_deref(),
            Some("서울 강동구 고덕로 427")
        );
        assert_eq!(road_at(127.173_182, 37.558_797 + 0.001_81), None);
        assert_eq!(road_at(-0.12, 51.5), None);
    }
}
