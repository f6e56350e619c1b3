//! Converts the API document to a Postman collection. Its first request creates an account, whose token the others send. Each request has
//! the values of the document's examples, and a test that the response is a declared one.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

const SCHEMA: &str = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";
/// Operation that creates an account and returns its token.
const SIGN_UP: &str = "register";
/// Tag whose operations are the last ones, since some of them end the session.
const SESSION_TAG: &str = "auth";

/// Returns the collection of a document.
pub fn collection(document: &Value) -> Value {
    let mut folders: BTreeMap<(bool, &str), Vec<Value>> = BTreeMap::new();
    let mut sign_up = Vec::new();
    for (path, item) in members(&document["paths"]) {
        for (method, operation) in members(item) {
            // A stream may not end.
            if is_stream(operation) {
                continue;
            }
            if operation["operationId"] == SIGN_UP {
                sign_up.push(request(path, method, operation, true));
            }
            let tag = operation["tags"][0].as_str().unwrap_or_default();
            let folder = folders.entry((tag == SESSION_TAG, tag)).or_default();
            folder.push(request(path, method, operation, false));
        }
    }
    let folders = folders
        .into_iter()
        .map(|((_, tag), items)| json!({ "name": tag, "item": items }));
    json!({
        "info": { "name": document["info"]["title"], "description": document["info"]["summary"], "schema": SCHEMA },
        "variable": [
            { "key": "baseUrl", "value": document["servers"][0]["url"] },
            { "key": "accessToken", "value": "" },
        ],
        "auth": { "type": "bearer", "bearer": [{ "key": "token", "value": "{{accessToken}}", "type": "string" }] },
        "item": sign_up.into_iter().chain(folders).collect::<Vec<_>>(),
    })
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn is_stream(operation: &Value) -> bool {
    members(&operation["responses"]).any(|(_, response)| response["content"]["text/event-stream"].is_object())
}

fn request(path: &str, method: &str, operation: &Value, is_first: bool) -> Value {
    let mut headers = Vec::new();
    if method != "get" {
        headers.push(json!({ "key": "Idempotency-Key", "value": "{{$guid}}" }));
    }
    let mut request = Map::new();
    if let Some(mut body) = body(operation) {
        headers.push(json!({ "key": "Content-Type", "value": "application/json" }));
        if body.get("email").is_some() && operation["operationId"] == SIGN_UP {
            body["email"] = "{{$guid}}@example.com".into();
        }
        request.insert(
            "body".to_owned(),
            json!({ "mode": "raw", "raw": format!("{body:#}") }),
        );
    }
    if operation["security"] == json!([]) {
        request.insert("auth".to_owned(), json!({ "type": "noauth" }));
    }
    request.insert("method".to_owned(), method.to_ascii_uppercase().into());
    request.insert("header".to_owned(), headers.into());
    request.insert("url".to_owned(), url(path, operation).into());
    request.insert("description".to_owned(), operation["description"].clone());
    json!({
        "name": if is_first { json!("Create an account and keep its token") } else { operation["summary"].clone() },
        "request": request,
        "event": [{ "listen": "test", "script": { "type": "text/javascript", "exec": test(operation, is_first) } }],
    })
}

/// Returns the example of the request body, the Korean one where there are two.
fn body(operation: &Value) -> Option<Value> {
    let examples = &operation["requestBody"]["content"]["application/json"]["examples"];
    let example = examples.get("ko").or_else(|| examples.get("example"))?;
    Some(example["value"].clone())
}

/// Returns the URL with the examples of its path and query parameters.
fn url(path: &str, operation: &Value) -> String {
    let (mut path, mut query) = (path.to_owned(), Vec::new());
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let Some(name) = parameter["name"].as_str() else {
            continue;
        };
        let example = match &parameter["example"] {
            Value::Null => continue,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if parameter["in"] == "path" {
            path = path.replace(&format!("{{{name}}}"), &example);
        } else {
            query.push(format!("{name}={example}"));
        }
    }
    let separator = if query.is_empty() { "" } else { "?" };
    format!("{{{{baseUrl}}}}{path}{separator}{}", query.join("&"))
}

fn test(operation: &Value, is_first: bool) -> Vec<String> {
    let declared = members(&operation["responses"]).filter_map(|(status, _)| status.parse::<u16>().ok());
    // A server error is declared, but no request of the collection may cause one.
    let expected: Vec<u16> = declared.filter(|status| *status < 500).collect();
    let mut lines = vec![format!(
        "pm.test(\"the response is declared\", () => pm.expect(pm.response.code).to.be.oneOf({expected:?}));"
    )];
    if is_first {
        lines.push(
            "pm.test(\"the account is created\", () => pm.expect(pm.response.code).to.equal(201));"
                .to_owned(),
        );
        lines
            .push("pm.collectionVariables.set(\"accessToken\", pm.response.json().access_token);".to_owned());
    }
    lines
}
