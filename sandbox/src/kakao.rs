//! Kakao Local: routes of address search and reverse geocoding over the embedded addresses, with the check of API key and
//! quota.

mod address;
mod addresses;
mod coord;
mod document;
mod error;
pub(crate) mod quota;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use self::error::Error;
use crate::faults::{Provider, layer};
use crate::state::App;

/// Routes below `/kakao`.
pub(crate) fn router(app: &App) -> Router<App> {
    Router::new()
        .route("/v2/local/search/address.json", get(address::handle))
        .route("/v2/local/geo/coord2address.json", get(coord::handle))
        .layer(middleware::from_fn(layer::delay))
        .layer(middleware::from_fn_with_state(app.clone(), guard))
        .layer(middleware::from_fn_with_state(
            (app.clone(), Provider::Kakao),
            layer::observe,
        ))
}

/// Checks the API key first, then the daily quota.
async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let header = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    if let Err(error) = authorize(header, &app.config.kakao_rest_key) {
        return error.into_response();
    }
    let within = {
        let now = app.environment.clock.now();
        app.quota()
            .take(request.uri().path(), now, app.config.kakao_daily_limit)
    };
    if within {
        next.run(request).await
    } else {
        Error::Throttled.into_response()
    }
}

fn authorize(header: Option<&str>, expected: &str) -> Result<(), Error> {
    let key = header
        .and_then(|value| value.strip_prefix("KakaoAK "))
        .ok_or(Error::NoKey)?;
    if key == expected {
        return Ok(());
    }
    let well_formed = key.len() == expected.len() && key.bytes().all(|b| b.is_ascii_alphanumeric());
    Err(if well_formed {
        Error::UnknownKey(key.to_owned())
    } else {
        Error::MalformedKey(key.to_owned())
    })
}
