//! Client of Firebase Cloud Messaging, HTTP v1.

use anyhow::{Context as _, Result};
use carshare_chassis::Environment;
use carshare_chassis::config::Secret;
use carshare_outbound::{Config as HttpConfig, HttpClient, OutboundError, Reply, StatusCode, segment};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::token::{ServiceAccount, Tokens};
use super::{Provider, Push, PushResult};
use crate::config;

/// How long FCM keeps a push for a device that is offline.
const TIME_TO_LIVE: &str = "86400s";

pub struct Fcm {
    http: HttpClient,
    tokens: Tokens,
    path: String,
}

impl Fcm {
    /// Creates a client for the configured service account; `None` when pushes are disabled.
    pub fn new(config: &config::Push, environment: &Environment) -> Result<Option<Self>> {
        let Some(account) = &config.service_account_json else {
            return Ok(None);
        };
        // The error may quote a part of it.
        let account = serde_json::from_str::<ServiceAccount>(account.expose()).ok();
        let account = account.context("push.service_account_json is not the JSON of a service account")?;
        let path = format!("/v1/projects/{}/messages:send", segment(&account.project_id));
        let config = HttpConfig {
            base_url: config.base_url.clone(),
            ..HttpConfig::default()
        };
        let http = HttpClient::new("fcm", config, environment.clone())?;
        Ok(Some(Self {
            http,
            tokens: Tokens::new(account, environment.clone())?,
            path,
        }))
    }

    async fn attempt(&self, body: &Value) -> Result<(Secret, Result<Reply, OutboundError>)> {
        let bearer = self.tokens.bearer().await?;
        let request = self
            .http
            .post(&self.path)
            .operation("send")
            .bearer(bearer.expose())
            .json(body);
        Ok((bearer, request.send().await))
    }

    async fn deliver(&self, push: Push) -> PushResult {
        let body = message(&push);
        let mut renewed = false;
        loop {
            let (bearer, result) = match self.attempt(&body).await {
                Ok(attempt) => attempt,
                Err(error) => {
                    return PushResult::Later {
                        reason: format!("no access token: {error:#}"),
                        retry_after: None,
                    };
                }
            };
            match result {
                // The access token was revoked: one more attempt with a new one.
                Ok(reply)
                    if reply.status == StatusCode::UNAUTHORIZED
                        && error_code(&reply).is_none()
                        && !renewed =>
                {
                    self.tokens.discard(&bearer).await;
                    renewed = true;
                }
                Ok(reply) => return classify(&reply),
                Err(error) => {
                    return PushResult::Later {
                        reason: error.to_string(),
                        retry_after: error.retry_after(),
                    };
                }
            }
        }
    }
}

impl Provider for Fcm {
    fn send(&self, push: Push) -> BoxFuture<'_, PushResult> {
        self.deliver(push).boxed()
    }
}

/// Builds the request. Tag and collapse key make a repeated push replace the first on the device.
fn message(push: &Push) -> Value {
    let tag = push.notification_id.to_string();
    let mut data: serde_json::Map<String, Value> = push
        .data
        .iter()
        .map(|(key, value)| (key.clone(), Value::String(value.clone())))
        .collect();
    data.insert("type".to_owned(), Value::String(push.kind.clone()));
    data.insert("notification_id".to_owned(), Value::String(tag.clone()));
    json!({ "message": {
        "token": push.token,
        "notification": { "title": push.title, "body": push.body },
        "data": data,
        "android": { "priority": "HIGH", "ttl": TIME_TO_LIVE, "notification": { "tag": tag } },
        "apns": { "headers": { "apns-priority": "10", "apns-collapse-id": tag }, "payload": { "aps": { "sound": "default" } } },
    } })
}

/// Classifies a response, by its `FcmError` code before its HTTP status.
fn classify(reply: &Reply) -> PushResult {
    if reply.is_success() {
        return PushResult::Sent;
    }
    let code = error_code(reply);
    let reason = code.clone().unwrap_or_else(|| reply.status.as_u16().to_string());
    match code.as_deref() {
        // The payload has a fixed form, so the invalid argument is the token.
        Some("UNREGISTERED" | "SENDER_ID_MISMATCH" | "INVALID_ARGUMENT") => PushResult::DeviceGone(reason),
        Some("THIRD_PARTY_AUTH_ERROR") => PushResult::Rejected(reason),
        _ if reply.status == StatusCode::NOT_FOUND => PushResult::DeviceGone(reason),
        _ if reply.status == StatusCode::BAD_REQUEST => PushResult::Rejected(reason),
        _ => PushResult::Later {
            reason,
            retry_after: reply.retry_after,
        },
    }
}

/// Returns `error.details[].errorCode` of an `FcmError`.
fn error_code(reply: &Reply) -> Option<String> {
    let body: Value = reply.json().ok()?;
    let details = body["error"]["details"].as_array()?;
    details
        .iter()
        .find_map(|detail| detail["errorCode"].as_str().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use uuid::Uuid;

    use super::*;
    use crate::domain::ids::NotificationId;

    #[test]
    fn message_contains_only_strings_and_replaces_repeats() {
        let push = Push {
            notification_id: NotificationId(Uuid::from_u128(7)),
            token: "t".into(),
            kind: "booking.requested".into(),
            title: "새로운 예약 요청".into(),
            body: "본문".into(),
            data: BTreeMap::from([("booking_id".to_owned(), "b".to_owned())]),
        };
        let message = message(&push)["message"].clone();
        let tag = "00000000-0000-0000-0000-000000000007";
        assert_eq!(
            message["data"],
            json!({ "type": "booking.requested", "notification_id": tag, "booking_id": "b" })
        );
        assert_eq!(message["android"]["notification"]["tag"], tag);
        assert_eq!(message["apns"]["headers"]["apns-collapse-id"], tag);
    }
}
