//! The document of the real contract: snapshots of small parts, and properties of the whole.

mod examples;
mod postman;

use std::collections::HashSet;

use carshare_chassis::Lang;

use super::error_specs::error_specs;
use super::*;
use crate::method_table::MethodTable;

fn contract() -> (Routes, Value) {
    let routes = Routes::read(MethodTable::read().unwrap().iter()).unwrap();
    let document = document(&routes, "https://api.carshare.kr");
    (routes, document)
}

/// Returns every object of the document.
fn objects(value: &Value) -> Vec<&Map<String, Value>> {
    match value {
        Value::Object(object) => std::iter::once(object)
            .chain(object.values().flat_map(objects))
            .collect(),
        Value::Array(values) => values.iter().flat_map(objects).collect(),
        _ => Vec::new(),
    }
}

fn operations(document: &Value) -> Vec<&Value> {
    let paths = document["paths"].as_object().unwrap().values();
    paths
        .flat_map(|path| path.as_object().unwrap().values())
        .collect()
}

#[test]
fn every_route_is_an_operation_with_a_unique_id() {
    let (routes, document) = contract();
    let operations = operations(&document);
    let ids: HashSet<_> = operations
        .iter()
        .map(|operation| operation["operationId"].as_str().unwrap())
        .collect();
    assert_eq!(operations.len(), routes.iter().count());
    assert_eq!(ids.len(), operations.len());
}

#[test]
fn every_reference_resolves() {
    let (_, document) = contract();
    let references = objects(&document)
        .into_iter()
        .filter_map(|object| object.get("$ref")?.as_str());
    let mut count = 0;
    for reference in references {
        let target = document.pointer(reference.strip_prefix('#').unwrap());
        assert!(target.is_some_and(|target| !target.is_null()), "{reference}");
        count += 1;
    }
    assert!(count > 100, "{count}");
}

#[test]
fn every_operation_has_a_summary_and_every_property_a_description() {
    let (_, document) = contract();
    for operation in operations(&document) {
        assert!(!operation["summary"].as_str().unwrap().is_empty(), "{operation}");
    }
    for object in objects(&document["components"]["schemas"]) {
        let properties = object.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            assert!(property.get("description").is_some(), "{name}: {property}");
        }
    }
}

#[test]
fn every_path_variable_is_a_required_parameter() {
    let (_, document) = contract();
    for (path, item) in document["paths"].as_object().unwrap() {
        let variables = path.matches('{').count();
        for operation in item.as_object().unwrap().values() {
            let parameters = operation["parameters"].as_array().unwrap();
            let of_path = parameters
                .iter()
                .filter(|parameter| parameter["in"] == "path" && parameter["required"] == true);
            assert_eq!(of_path.count(), variables, "{path}");
        }
    }
}

#[test]
fn access_policy_is_in_security_and_roles() {
    let (_, document) = contract();
    let create = &document["paths"]["/v1/bookings"]["post"];
    assert_eq!(create["security"], json!([{ "bearerAuth": [] }]));
    assert_eq!(create["x-roles"], json!(["guest"]));
    assert_eq!(document["paths"]["/v1/auth/login"]["post"]["security"], json!([]));
}

#[test]
fn reply_that_clients_may_keep_has_a_tag_and_a_304() {
    let (_, document) = contract();
    let responses = |path: &str| document["paths"][path]["get"]["responses"].clone();
    let vehicle = responses("/v1/vehicles/{vehicle_id}");
    assert!(vehicle["304"].is_object() && vehicle["200"]["headers"]["ETag"].is_object());
    let booking = responses("/v1/bookings/{booking_id}");
    assert!(booking["304"].is_null() && booking["200"]["headers"].is_null());
}

#[test]
fn internal_rpcs_are_left_out() {
    let (_, document) = contract();
    let text = document.to_string();
    for internal in ["PlaceHold", "ConfirmHold", "ReleaseHold"] {
        assert!(!text.contains(internal), "{internal}");
    }
}

#[test]
fn errors_of_the_comment_are_responses() {
    let (_, document) = contract();
    let responses = &document["paths"]["/v1/bookings"]["post"]["responses"];
    assert_eq!(
        responses["409"]["x-codes"],
        json!([
            "BOOKING002",
            "BOOKING008",
            "BOOKING010",
            "BOOKING011",
            "BOOKING012",
            "BOOKING013",
            "BOOKING071",
            "BOOKING072",
            "BOOKING073",
            "BOOKING074",
            "VEHICLE003",
            "VEHICLE016"
        ])
    );
    assert_eq!(responses["404"]["x-codes"], json!(["BOOKING070", "VEHICLE001"]));
    assert_eq!(
        responses["401"]["x-codes"],
        json!(["AUTH001", "AUTH002", "AUTH004"])
    );
    assert!(responses["201"]["content"]["application/json"].is_object());
}

#[test]
fn every_reason_in_a_comment_is_in_the_catalogue() {
    let (routes, _) = contract();
    for route in routes.iter() {
        let comment = Comment::of(&route.rpc.descriptor.parent_file(), route.rpc.descriptor.path());
        let known: HashSet<_> = error_specs(&route.rpc)
            .into_iter()
            .map(|spec| spec.reason.as_str())
            .collect();
        for reason in comment.reasons() {
            assert!(known.contains(reason), "{}: {reason}", route.rpc.path);
        }
    }
}

#[test]
fn lists_streams_and_empty_responses_have_their_form() {
    let (_, document) = contract();
    let list = &document["paths"]["/v1/bookings"]["get"]["responses"]["200"];
    assert_eq!(list["content"]["application/json"]["schema"]["type"], "array");
    assert!(list["headers"]["X-Next-Page-Token"].is_object());
    let stream = &document["paths"]["/v1/notifications/stream"]["get"];
    let media_types = |operation: &Value| -> Vec<String> {
        let content = operation["responses"]["200"]["content"].as_object().unwrap();
        content.keys().cloned().collect()
    };
    assert_eq!(media_types(stream), ["application/x-ndjson", "text/event-stream"]);
    let export = &document["paths"]["/v1/auth/me/export"]["get"];
    assert_eq!(media_types(export), ["application/x-ndjson"]);
    assert_eq!(
        document["paths"]["/v1/vehicles/{vehicle_id}"]["delete"]["responses"]["204"]["content"],
        Value::Null
    );
}

#[test]
fn request_schema_has_the_rules() {
    let (_, document) = contract();
    insta::assert_json_snapshot!(document["components"]["schemas"]["RegisterRequest"]);
}

#[test]
fn search_has_query_parameters() {
    let (_, document) = contract();
    let parameters = &document["paths"]["/v1/vehicles"]["get"]["parameters"];
    let summary = parameters
        .as_array()
        .unwrap()
        .iter()
        .filter(|parameter| parameter["in"] == "query")
        .map(|parameter| json!([parameter["name"], parameter["required"], parameter["schema"]]));
    insta::assert_json_snapshot!(summary.collect::<Vec<_>>());
}

#[test]
fn path_variables_are_not_in_the_body() {
    let (_, document) = contract();
    let body = &document["components"]["schemas"]["ApproveBookingRequest"];
    let fields: Vec<_> = body["properties"].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["host_response"]);
    assert_eq!(
        document["paths"]["/v1/bookings/{booking_id}/approve"]["put"]["requestBody"]["required"],
        false
    );
}
