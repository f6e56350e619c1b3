//! Bodies of Kakao's responses: hits on success, errors in two formats.

use std::fmt;

use carshare_outbound::Reply;
use serde::Deserialize;

use crate::domain::{Coordinates, Location};

/// Response of the address search. Other fields are ignored.
#[derive(Debug, Deserialize)]
pub(super) struct AddressSearch {
    documents: Vec<Document>,
}

/// A hit. Coordinates are decimal numbers in strings; `x` is the longitude.
#[derive(Debug, Deserialize)]
struct Document {
    address_name: String,
    address_type: String,
    x: String,
    y: String,
}

impl AddressSearch {
    /// Returns the best hit if it is a lot or a building, not a district or street.
    pub(super) fn location(self) -> Option<Location> {
        let best = self.documents.into_iter().next()?;
        let is_exact = matches!(best.address_type.as_str(), "REGION_ADDR" | "ROAD_ADDR");
        let coordinates = Coordinates {
            lat: degrees(&best.y)?,
            lng: degrees(&best.x)?,
        };
        is_exact.then_some(Location {
            address: best.address_name,
            coordinates,
        })
    }
}

fn degrees(text: &str) -> Option<f64> {
    text.parse().ok().filter(|degrees: &f64| degrees.is_finite())
}

/// Kind of an error. The messages contain our key and must not be logged.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum KakaoError {
    /// Of `dapi.kakao.com`.
    Map {
        /// `RequestThrottled`, `AccessDeniedError`, ….
        #[serde(rename = "errorType")]
        error_type: String,
    },
    /// Of the platform in front of it, in the format of `kapi.kakao.com`.
    Platform {
        /// `-10`, `-401`, ….
        code: i64,
    },
    /// Another body, such as the HTML of a proxy.
    #[serde(skip)]
    Unreadable,
}

impl KakaoError {
    pub(super) fn of(reply: &Reply) -> Self {
        reply.json().unwrap_or(Self::Unreadable)
    }
}

impl fmt::Display for KakaoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Map { error_type } => f.write_str(error_type),
            Self::Platform { code } => write!(f, "code {code}"),
            Self::Unreadable => f.write_str("unreadable"),
        }
    }
}
