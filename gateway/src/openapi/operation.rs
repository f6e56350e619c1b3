//! Converts a route to an OpenAPI operation.

use carshare_chassis::Lang;
use carshare_chassis::method_registry::Policy;
use http::Method;
use prost_reflect::{Kind, MessageDescriptor};
use serde_json::{Value, json};

use super::comment::Comment;
use super::names::with_first_letter;
use super::schema::{Direction, Schemas};
use super::{code_samples, examples, parameters, responses};
use crate::rest::MERGE_PATCH;
use crate::routes::{Body, Route};

/// Content type of a form with a file.
const FORM: &str = "multipart/form-data";

pub(super) fn describe(route: &Route, server: &str, schemas: &mut Schemas) -> Value {
    let rpc = &route.rpc;
    let comment = Comment::of(&rpc.descriptor.parent_file(), rpc.descriptor.path());
    let mut operation = json!({
        "operationId": operation_id(route),
        "tags": [rpc.peer],
        "summary": comment.summary(),
        "description": format!("{}{}\n\n{}", comment.text, null_rule(route), callers(rpc.method.policy(), &rpc.path)),
        "parameters": parameters::of_route(route, schemas),
        "responses": responses::of_route(route, schemas),
        "security": security(rpc.method.policy()),
        "x-grpc": rpc.path.as_str(),
        "x-codeSamples": code_samples::of_route(route, server),
    });
    if let Policy::Roles(roles) = rpc.method.policy() {
        operation["x-roles"] = roles.iter().map(|role| role.as_str()).collect();
    }
    if let Some(body) = request_body(route, schemas) {
        operation["requestBody"] = body;
    }
    operation
}

/// Returns the name of the RPC, with the method after it where the RPC has another route under the same path.
fn operation_id(route: &Route) -> String {
    let name = with_first_letter(route.rpc.descriptor.name(), str::to_ascii_lowercase);
    let rule = route.rpc.http.as_ref();
    let is_only_route = rule.is_none_or(|rule| rule.additional_bindings.is_empty());
    if is_only_route || route.method == Method::PATCH {
        return name;
    }
    let method = route.method.as_str().to_ascii_lowercase();
    name + &with_first_letter(&method, str::to_ascii_uppercase)
}

/// Returns what null means in the body of an update.
fn null_rule(route: &Route) -> &'static str {
    let has_patch = route
        .rpc
        .http
        .as_ref()
        .is_some_and(|rule| !rule.additional_bindings.is_empty());
    match route.method {
        Method::PATCH => "\n\nThe body is a merge patch (RFC 7396): null clears a field.",
        Method::PUT if has_patch => "\n\nAs PATCH, but a field that is null stays as it is.",
        _ => "",
    }
}

/// Returns who may call an RPC, and its path over gRPC.
fn callers(policy: &Policy, grpc: &http::uri::PathAndQuery) -> String {
    let callers = match policy {
        Policy::Public => "everybody, without a token".to_owned(),
        Policy::Roles(roles) => {
            let roles: Vec<_> = roles.iter().map(|role| format!("`{}`", role.as_str())).collect();
            roles.join(", ")
        }
        Policy::AnyUser | Policy::AnyUserWithoutMfa | Policy::Internal(_) | Policy::Nobody => {
            "signed-in users".to_owned()
        }
    };
    format!("Callers: {callers}. gRPC: `{grpc}`.")
}

fn security(policy: &Policy) -> Value {
    match policy {
        Policy::Public => json!([]),
        _ => json!([{ "bearerAuth": [] }]),
    }
}

/// Returns the request body, without path variables. It is optional when it has no required field.
fn request_body(route: &Route, schemas: &mut Schemas) -> Option<Value> {
    let input = route.rpc.descriptor.input();
    let (schema, required) = match &route.body {
        Body::None => return None,
        Body::Field(name) => (
            schemas.field(&input.get_field_by_name(name)?, Direction::Request),
            true,
        ),
        Body::Whole => {
            let required = super::constraints::required(&input);
            (
                schemas.refer(&input, Direction::Request, &route.variables),
                required.iter().any(|name| !route.has_variable(name)),
            )
        }
    };
    let body = examples::media_type(&schema, |lang| body_example(route, lang).unwrap_or_default());
    let mut content = json!({ "application/json": body });
    if route.rpc.rest.multipart {
        content[FORM] = form(&input, route, schemas);
    }
    if route.method == Method::PATCH {
        content[MERGE_PATCH] = content["application/json"].clone();
    }
    Some(json!({ "required": required, "content": content }))
}

/// Returns the form with a file, whose parts are the fields of the message.
fn form(input: &MessageDescriptor, route: &Route, schemas: &mut Schemas) -> Value {
    let mut properties = serde_json::Map::new();
    for field in input.fields().filter(|field| !route.has_variable(field.name())) {
        let mut schema = schemas.field(&field, Direction::Request);
        if field.kind() == Kind::Bytes {
            // The content of the part as it is; the rule is about the text in base64.
            schema = json!({ "type": "string", "contentMediaType": "application/octet-stream", "description": schema["description"] });
        }
        properties.insert(field.name().to_owned(), schema);
    }
    let mut required = super::constraints::required(input);
    // The content type of the file's part.
    required.retain(|name| !route.has_variable(name) && name != "content_type");
    let schema = json!({ "type": "object", "properties": properties, "required": required });
    examples::media_type(&schema, |lang| body_example(route, lang).unwrap_or_default())
}

/// Returns an example of the request body, if the route has one.
pub(super) fn body_example(route: &Route, lang: Lang) -> Option<Value> {
    let input = route.rpc.descriptor.input();
    match &route.body {
        Body::None => None,
        Body::Field(name) => Some(examples::of_field(
            &input.get_field_by_name(name)?,
            Direction::Request,
            lang,
        )),
        Body::Whole => Some(examples::of_message(
            &input,
            Direction::Request,
            &route.variables,
            lang,
        )),
    }
}
