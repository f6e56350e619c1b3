//! `POST /v1/projects/{project}/messages:send`: validates a message to one target and adds it to the inbox.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use serde_json::{Value, json};

use super::error::Error;
use super::inbox::Push;
use super::message::{self, Message};
use crate::state::App;

pub(super) async fn handle(
    State(app): State<App>,
    Path((project, verb)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Error> {
    if verb != "messages:send" {
        return Err(Error::no_such_method());
    }
    authorize(&app, &headers, &project)?;
    let body: Value = serde_json::from_slice(&body)
        .map_err(|_| Error::malformed("", "Invalid JSON payload received. Unexpected token."))?;
    let (message, validate_only) = unwrap(&body)?;
    let message = message::check(message)?;
    if message.target == "token"
        && let Some(error) = Error::magic(&message.address)
    {
        return Err(error);
    }
    let id = if validate_only {
        "fake_message_id".to_owned()
    } else {
        accept(&app, &message)
    };
    Ok(Json(
        json!({ "name": format!("projects/{project}/messages/{id}") }),
    ))
}

fn authorize(app: &App, headers: &HeaderMap, project: &str) -> Result<(), Error> {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = header
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default();
    if !app.access_tokens().admits(token, app.environment.clock.now()) {
        return Err(Error::unauthenticated());
    }
    if project == app.account.project_id {
        Ok(())
    } else {
        Err(Error::permission_denied(project))
    }
}

/// Returns the message of a request, and whether it is to be validated only.
fn unwrap(body: &Value) -> Result<(&Value, bool), Error> {
    let fields = body
        .as_object()
        .ok_or_else(|| Error::malformed("", "Invalid JSON payload received."))?;
    message::known_only(fields, "", &["message", "validate_only"])?;
    let message = fields
        .get("message")
        .ok_or_else(|| Error::invalid("Message is required."))?;
    Ok((
        message,
        fields
            .get("validate_only")
            .and_then(Value::as_bool)
            .unwrap_or(false),
    ))
}

/// Adds the message to the inbox and returns its id.
fn accept(app: &App, message: &Message) -> String {
    let id = hex::encode(app.environment.random.bytes::<8>());
    let text = |field: &str| {
        let notification = message.fields.get("notification");
        notification
            .and_then(|n| n.get(field)?.as_str())
            .map(str::to_owned)
    };
    let data = message
        .fields
        .get("data")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    let strings = data.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
    app.inbox().push(Push {
        id: id.clone(),
        received_at: app.environment.clock.now(),
        target: message.target.to_owned(),
        token: message.address.clone(),
        title: text("title"),
        body: text("body"),
        data: strings.collect(),
        message: Value::Object(message.fields.clone()),
    });
    id
}
