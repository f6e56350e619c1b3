//! Conversions between messages and domain types.

use anyhow::Context as _;
use carshare_chassis::Error;
use carshare_chassis::etag;
use carshare_chassis::identity::Jwk;
use carshare_chassis::proto_types::timestamp;
use carshare_objects::photo::thumbnail_of;
use carshare_proto::auth::v1 as pb;
use carshare_proto::common::v1::Rating;
use carshare_proto::options::v1::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::domain::audit::Outcome;
use crate::domain::{Phone, User, UserId};
use crate::issuer::Issued;
use crate::store::disabled_users::Disabled;
use crate::store::{audit_events, sessions};

/// Converts an account for its owner.
pub fn user(user: &User) -> pb::User {
    let message = pb::User {
        id: user.id.to_string(),
        email: user.email.as_str().to_owned(),
        name: user.name.clone(),
        phone: user.phone.as_str().to_owned(),
        role: Role::from(user.role).into(),
        profile_image_url: user.profile_image_url.clone(),
        is_verified: user.is_verified,
        created_at: Some(timestamp(user.created_at)),
        etag: None,
        profile_thumbnail_url: thumbnail_url(user),
        mfa_enabled: user.mfa_enabled,
    };
    pb::User {
        etag: Some(etag::of(&message)),
        ..message
    }
}

/// Converts the public part of an account.
pub fn profile(user: &User) -> pb::UserProfile {
    pb::UserProfile {
        id: user.id.to_string(),
        name: user.name.clone(),
        role: Role::from(user.role).into(),
        profile_image_url: user.profile_image_url.clone(),
        is_verified: user.is_verified,
        created_at: Some(timestamp(user.created_at)),
        profile_thumbnail_url: thumbnail_url(user),
        is_deleted: false,
        rating: Rating::of(user.rating_sum, user.review_count),
    }
}

fn thumbnail_url(user: &User) -> Option<String> {
    user.profile_image_url.as_deref().and_then(thumbnail_of)
}

pub fn auth_response(account: &User, issued: &Issued) -> pb::AuthResponse {
    pb::AuthResponse {
        access_token: issued.access_token.expose().to_owned(),
        refresh_token: issued.refresh_token.expose().to_owned(),
        user: Some(user(account)),
        expires_in: issued.expires_in_s,
    }
}

/// Converts a session; `current` is that of the access token.
pub fn session(row: sessions::Model, current: Uuid) -> pb::Session {
    pb::Session {
        id: row.id.to_string(),
        created_at: Some(timestamp(row.created_at)),
        last_used_at: Some(timestamp(row.last_used_at.unwrap_or(row.created_at))),
        expires_at: Some(timestamp(row.expires_at)),
        user_agent: row.user_agent,
        client_address: row.client_address,
        current: row.id == current,
    }
}

pub fn security_event(row: audit_events::OfUser) -> Result<pb::SecurityEvent, crate::error::Error> {
    let outcome = match row.outcome.parse().context("unknown outcome")? {
        Outcome::Success => pb::SecurityOutcome::Success,
        Outcome::Failure => pb::SecurityOutcome::Failure,
    };
    Ok(pb::SecurityEvent {
        id: row.id.to_string(),
        action: row.action,
        outcome: outcome.into(),
        reason: row.reason,
        session_id: row.session_id.map(|id| id.to_string()),
        by_admin: row.by_admin,
        client_address: row.client_address,
        user_agent: row.user_agent,
        occurred_at: Some(timestamp(row.occurred_at)),
    })
}

pub fn account_state(user: UserId, disabled: Option<&Disabled>) -> pb::AccountState {
    pb::AccountState {
        user_id: user.to_string(),
        disabled_at: disabled.map(|disabled| timestamp(disabled.at)),
        disabled_reason: disabled.map(|disabled| disabled.reason.clone()),
    }
}

/// Converts the state of an account for the security record.
pub fn audited(disabled: Option<&Disabled>) -> Value {
    match disabled {
        Some(disabled) => json!({"disabled_at": disabled.at, "disabled_reason": disabled.reason}),
        None => json!({"disabled_at": null}),
    }
}

/// Converts a public key to the form of RFC 8037.
pub fn jwk(key: Jwk) -> pb::Jwk {
    pb::Jwk {
        kty: "OKP".to_owned(),
        crv: "Ed25519".to_owned(),
        x: key.x,
        kid: key.kid,
        r#use: "sig".to_owned(),
        alg: "EdDSA".to_owned(),
    }
}

/// Returns a display name without surrounding white space.
pub fn name(name: &str) -> Result<String, Error> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Error::invalid(
            "name",
            "이름을 입력해 주세요.",
            "must not be blank",
        ));
    }
    Ok(name.to_owned())
}

/// Returns a phone number in E.164.
pub fn phone(phone: &str) -> Result<Phone, Error> {
    let invalid = || {
        Error::invalid(
            "phone",
            "휴대폰 번호를 확인해 주세요.",
            "must be a Korean mobile number",
        )
    };
    Phone::parse(phone).ok_or_else(invalid)
}

/// Returns the role of a registration: guest or host.
pub fn registered_role(role: Role) -> Result<carshare_chassis::identity::Role, Error> {
    match role {
        Role::Guest => Ok(carshare_chassis::identity::Role::Guest),
        Role::Host => Ok(carshare_chassis::identity::Role::Host),
        Role::Admin | Role::Unspecified => Err(Error::invalid(
            "role",
            "guest 또는 host만 선택할 수 있습니다.",
            "must be guest or host",
        )),
    }
}
