//! Converts the contract to OpenAPI 3.1: paths from the routes, schemas from the messages, constraints from `buf.validate`,
//! descriptions from the comments, errors from the catalogue. Written once at start.

mod code_samples;
mod comment;
mod constraints;
mod error_specs;
mod examples;
mod guide;
mod names;
mod operation;
mod parameters;
mod postman;
mod responses;
mod schema;

use std::collections::BTreeMap;

use comment::Comment;
pub use postman::collection as postman_collection;
use serde_json::{Map, Value, json};

use crate::routes::Routes;
use schema::Schemas;

/// Returns the OpenAPI document. `server` is the public URL of the gateway, without a trailing slash.
pub fn document(routes: &Routes, server: &str) -> Value {
    let mut schemas = Schemas::of_contract();
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for route in routes.iter() {
        let operation = operation::describe(route, server, &mut schemas);
        let path = paths.entry(route.path.clone()).or_default();
        path.insert(route.method.as_str().to_ascii_lowercase(), operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": info(),
        "servers": [{ "url": server, "description": "The gateway: REST, gRPC and gRPC-web on one port" }],
        "tags": tags(routes),
        "paths": paths,
        "components": {
            "schemas": schemas.finish(),
            "parameters": parameters::shared(),
            "responses": responses::shared(),
            "securitySchemes": { "bearerAuth": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" } },
        },
    })
}

fn info() -> Value {
    json!({
        "title": "Carshare API",
        "version": env!("CARGO_PKG_VERSION"),
        "summary": "카셰어링 서비스 API: car sharing for companies and individuals",
        "description": guide::markdown(),
        "contact": { "name": "Carshare API team", "url": "https://carshare.kr", "email": "api@carshare.kr" },
        "license": { "name": "Apache License 2.0", "identifier": "Apache-2.0" },
    })
}

/// Returns one tag for each service, described by its comment.
fn tags(routes: &Routes) -> Vec<Value> {
    let services = routes.iter().map(|route| {
        (
            route.rpc.peer.as_str(),
            route.rpc.descriptor.parent_service().clone(),
        )
    });
    let by_name: BTreeMap<_, _> = services.collect();
    by_name
        .into_iter()
        .map(|(name, service)| json!({ "name": name, "description": Comment::of(&service.parent_file(), service.path()).text }))
        .collect()
}

#[cfg(test)]
mod tests;
