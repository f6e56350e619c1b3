//! Errors with Google's bodies: `status`, FCM's code in `details[].errorCode`, and field violations.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// Error of `messages:send`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Error {
    http: u16,
    status: &'static str,
    message: String,
    /// Error code of FCM, which some errors lack.
    own_code: Option<&'static str>,
    /// Path of the field and description.
    field: Option<(String, String)>,
    retry_after_seconds: Option<u32>,
}

impl Error {
    fn new(http: u16, status: &'static str, message: impl Into<String>) -> Self {
        Self {
            http,
            status,
            message: message.into(),
            own_code: None,
            field: None,
            retry_after_seconds: None,
        }
    }

    fn code(self, own_code: &'static str) -> Self {
        Self {
            own_code: Some(own_code),
            ..self
        }
    }

    fn retry_after(self, seconds: u32) -> Self {
        Self {
            retry_after_seconds: Some(seconds),
            ..self
        }
    }

    /// Returns the error of JSON that does not fit the message.
    pub(super) fn malformed(field: &str, description: impl Into<String>) -> Self {
        let description = description.into();
        let field = Some((field.to_owned(), description.clone()));
        Self {
            field,
            ..Self::new(400, "INVALID_ARGUMENT", description)
        }
    }

    /// Returns FCM's INVALID_ARGUMENT.
    pub(super) fn invalid(message: &str) -> Self {
        Self::new(400, "INVALID_ARGUMENT", message).code("INVALID_ARGUMENT")
    }

    pub(super) fn invalid_token() -> Self {
        let message = "The registration token is not a valid FCM registration token";
        let field = Some((
            "message.token".to_owned(),
            "Invalid registration token".to_owned(),
        ));
        Self {
            field,
            ..Self::invalid(message)
        }
    }

    /// Returns an error without details.
    pub(super) fn too_big() -> Self {
        Self::new(400, "INVALID_ARGUMENT", "Android message is too big")
    }

    pub(super) fn unauthenticated() -> Self {
        let message = "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.";
        Self::new(401, "UNAUTHENTICATED", message)
    }

    pub(super) fn permission_denied(project: &str) -> Self {
        let message = format!(
            "Permission 'cloudmessaging.messages.create' denied on resource '//cloudresourcemanager.googleapis.com/projects/{project}' (or it may not exist)."
        );
        Self::new(403, "PERMISSION_DENIED", message)
    }

    pub(super) fn no_such_method() -> Self {
        Self::new(404, "NOT_FOUND", "Method not found.")
    }

    /// Returns the error of a magic token, by the word after `sbx-`.
    pub(super) fn magic(token: &str) -> Option<Self> {
        let word = token.strip_prefix("sbx-")?;
        let starts = |prefix: &str| word.starts_with(prefix);
        let error = match () {
            () if starts("unregistered") => {
                Self::new(404, "NOT_FOUND", "Requested entity was not found.").code("UNREGISTERED")
            }
            () if starts("mismatch") => {
                Self::new(403, "PERMISSION_DENIED", "SenderId mismatch").code("SENDER_ID_MISMATCH")
            }
            () if starts("quota") => Self::new(429, "RESOURCE_EXHAUSTED", "Quota exceeded.")
                .code("QUOTA_EXCEEDED")
                .retry_after(60),
            () if starts("unavailable") => {
                Self::new(503, "UNAVAILABLE", "The service is currently unavailable.")
                    .code("UNAVAILABLE")
                    .retry_after(2)
            }
            () if starts("internal") => {
                Self::new(500, "INTERNAL", "Internal error encountered.").code("INTERNAL")
            }
            () if starts("third-party") => {
                Self::new(401, "UNAUTHENTICATED", "Auth error from APNS or Web Push Service")
                    .code("THIRD_PARTY_AUTH_ERROR")
            }
            () if starts("invalid") => Self::invalid_token(),
            () => return None,
        };
        Some(error)
    }

    fn details(&self) -> Vec<Value> {
        let fcm = self.own_code.map(|code| {
            json!({ "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code })
        });
        let field = self.field.as_ref().map(|(field, description)| {
            let violation = json!({ "field": field, "description": description });
            json!({ "@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation] })
        });
        fcm.into_iter().chain(field).collect()
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut error = json!({ "code": self.http, "message": self.message, "status": self.status });
        let details = self.details();
        if !details.is_empty() {
            error["details"] = json!(details);
        }
        let status = StatusCode::from_u16(self.http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(json!({ "error": error }))).into_response();
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}
