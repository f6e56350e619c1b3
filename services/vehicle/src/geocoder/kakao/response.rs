//! What Kakao answers: places on success, complaints in two shapes.

use std::fmt;

use carshare_outbound::Reply;
use serde::Deserialize;

use crate::domain::{Coordinates, Location};

/// The body of a success. Fields not named here are not read.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    documents: Vec<Document>,
}

/// One hit. Coordinates are decimal numbers in strings: `x` is the longitude.
#[derive(Debug, Deserialize)]
struct Document {
    address_name: String,
    address_type: String,
    x: String,
    y: String,
}

impl Answer {
    /// The best hit, if it is a lot or a building. A district or a street is too vague to find a car at.
    pub(super) fn place(self) -> Option<Location> {
        let best = self.documents.into_iter().next()?;
        let is_exact = matches!(best.address_type.as_str(), "REGION_ADDR" | "ROAD_ADDR");
        let at = Coordinates {
            lat: degrees(&best.y)?,
            lng: degrees(&best.x)?,
        };
        is_exact.then_some(Location {
            address: best.address_name,
            at,
        })
    }
}

fn degrees(text: &str) -> Option<f64> {
    text.parse().ok().filter(|degrees: &f64| degrees.is_finite())
}

/// Why Kakao did not answer: its kind only. The messages repeat our key and must not be logged.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Complaint {
    /// `dapi.kakao.com`.
    Map {
        /// `RequestThrottled`, `AccessDeniedError`, ….
        #[serde(rename = "errorType")]
        error_type: String,
    },
    /// The platform before it, as `kapi.kakao.com`.
    Platform {
        /// `-10`, `-401`, ….
        code: i64,
    },
    /// Something else, such as the HTML of a proxy.
    #[serde(skip)]
    Unreadable,
}

impl Complaint {
    /// The complaint in this reply.
    pub(super) fn of(reply: &Reply) -> Self {
        reply.json().unwrap_or(Self::Unreadable)
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Map { error_type } => f.write_str(error_type),
            Self::Platform { code } => write!(f, "code {code}"),
            Self::Unreadable => f.write_str("unreadable"),
        }
    }
}
