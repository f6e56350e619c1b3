//! `POST /fcm/token`: exchanges a signed assertion (RFC 7523) for an access token that is valid for an hour.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::Deserialize;
use serde_json::json;

use super::account::Account;
use crate::state::App;

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const SCOPES: [&str; 2] = [
    "https://www.googleapis.com/auth/firebase.messaging",
    "https://www.googleapis.com/auth/cloud-platform",
];
const LIFETIME_SECONDS: i64 = 3_599;
/// Tolerance for client clocks that are ahead.
const SKEW_SECONDS: i64 = 300;

/// Issued access tokens with their expiry.
#[derive(Debug, Default)]
pub(crate) struct AccessTokens(HashMap<String, DateTime<Utc>>);

impl AccessTokens {
    /// Returns whether the token is valid.
    pub(crate) fn admits(&self, token: &str, now: DateTime<Utc>) -> bool {
        self.0.get(token).is_some_and(|end| now < *end)
    }

    /// Revokes all tokens.
    pub(crate) fn revoke_all(&mut self) {
        self.0.clear();
    }

    fn issue(&mut self, token: String, now: DateTime<Utc>) {
        self.0.retain(|_, end| now < *end);
        self.0.insert(token, now + TimeDelta::seconds(LIFETIME_SECONDS));
    }
}

#[derive(Deserialize)]
pub(super) struct Request {
    grant_type: String,
    assertion: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    scope: String,
    aud: String,
    iat: i64,
    exp: i64,
}

/// Error with `error` and `error_description` of RFC 6749.
struct Refusal(&'static str, String);

pub(super) async fn handle(State(app): State<App>, Form(request): Form<Request>) -> Response {
    let now = app.environment.clock.now();
    match check(&app, &request, now) {
        Ok(()) => {
            let token = format!(
                "ya29.sandbox-{}",
                hex::encode(app.environment.random.bytes::<24>())
            );
            app.access_tokens().issue(token.clone(), now);
            let body =
                json!({ "access_token": token, "expires_in": LIFETIME_SECONDS, "token_type": "Bearer" });
            Json(body).into_response()
        }
        Err(Refusal(error, description)) => {
            let body = json!({ "error": error, "error_description": description });
            (StatusCode::BAD_REQUEST, Json(body)).into_response()
        }
    }
}

fn check(app: &App, request: &Request, now: DateTime<Utc>) -> Result<(), Refusal> {
    if request.grant_type != GRANT_TYPE {
        return Err(Refusal(
            "unsupported_grant_type",
            format!("Invalid grant_type: {}", request.grant_type),
        ));
    }
    let claims = verified(app, &request.assertion)?;
    if claims.iss != app.account.client_email {
        return Err(Refusal(
            "invalid_grant",
            "Invalid grant: account not found".to_owned(),
        ));
    }
    if claims.aud != Account::token_uri(&app.public_url) {
        return Err(Refusal(
            "invalid_grant",
            format!(
                "Invalid JWT: Failed audience check. The right audience is {}",
                Account::token_uri(&app.public_url)
            ),
        ));
    }
    let (now, lifetime) = (now.timestamp(), claims.exp - claims.iat);
    if claims.iat > now + SKEW_SECONDS || claims.exp <= now || !(1..=3600).contains(&lifetime) {
        return Err(Refusal(
            "invalid_grant",
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.".to_owned(),
        ));
    }
    if !claims.scope.split(' ').any(|scope| SCOPES.contains(&scope)) {
        return Err(Refusal(
            "invalid_scope",
            "Invalid OAuth scope or ID token audience provided.".to_owned(),
        ));
    }
    Ok(())
}

/// Returns the claims of an RS256 assertion signed with the account's key. Its times are not checked here, but with the
/// injected clock.
fn verified(app: &App, assertion: &str) -> Result<Claims, Refusal> {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let key = DecodingKey::from_rsa_der(app.account.public_der());
    let decoded = decode::<Claims>(assertion, &key, &validation).map_err(|error| {
        tracing::debug!(%error, "assertion refused");
        Refusal("invalid_grant", "Invalid JWT Signature.".to_owned())
    })?;
    if decoded
        .header
        .kid
        .is_some_and(|kid| kid != app.account.private_key_id)
    {
        return Err(Refusal("invalid_grant", "Invalid JWT Signature.".to_owned()));
    }
    Ok(decoded.claims)
}
