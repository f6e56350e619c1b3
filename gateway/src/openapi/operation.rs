//! Converts a route to an OpenAPI operation.

use carshare_chassis::method_registry::Policy;
use serde_json::{Value, json};

use super::comment::Comment;
use super::names::with_first_letter;
use super::schema::{Direction, Schemas};
use super::{parameters, responses};
use crate::routes::{Body, Route};

pub(super) fn describe(route: &Route, schemas: &mut Schemas) -> Value {
    let rpc = &route.rpc;
    let comment = Comment::of(&rpc.descriptor.parent_file(), rpc.descriptor.path());
    let mut operation = json!({
        "operationId": with_first_letter(rpc.descriptor.name(), str::to_ascii_lowercase),
        "tags": [rpc.peer],
        "summary": comment.summary(),
        "description": comment.text,
        "parameters": parameters::of_route(route, schemas),
        "responses": responses::of_route(route, schemas),
        "security": security(rpc.method.policy()),
        "x-grpc": rpc.path.as_str(),
    });
    if let Policy::Roles(roles) = rpc.method.policy() {
        operation["x-roles"] = roles.iter().map(|role| role.as_str()).collect();
    }
    if let Some(body) = request_body(route, schemas) {
        operation["requestBody"] = body;
    }
    operation
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
    Some(json!({ "required": required, "content": { "application/json": { "schema": schema } } }))
}
