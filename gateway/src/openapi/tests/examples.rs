//! Examples of the real contract: there is one for every body, in both languages, and requests with them are valid.

use carshare_proto::{codec, contract};
use prost_reflect::DynamicMessage;

use super::*;
use crate::openapi::examples;
use crate::openapi::operation::body_example;
use crate::routes::{Body, Route};

/// Names of properties whose ids are not those of resources of this API.
const FOREIGN_IDS: [&str; 3] = ["order_id", "correlation_id", "trace_id"];

fn media_types(document: &Value) -> Vec<&Map<String, Value>> {
    let contents = objects(document)
        .into_iter()
        .filter_map(|object| object.get("content")?.as_object());
    contents
        .flat_map(|content| content.values().map(|media| media.as_object().unwrap()))
        .collect()
}

/// Returns the paths of empty texts in an example.
fn empty_texts(value: &Value, path: &str) -> Vec<String> {
    match value {
        Value::String(text) if text.is_empty() => vec![path.to_owned()],
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| empty_texts(value, &format!("{path}.{name}")))
            .collect(),
        Value::Array(items) => items.iter().flat_map(|item| empty_texts(item, path)).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn every_body_has_examples_without_empty_texts() {
    let (_, document) = contract();
    let media_types = media_types(&document);
    assert!(media_types.len() > 100, "{}", media_types.len());
    for media in media_types {
        let examples = media["examples"].as_object().unwrap();
        let languages: Vec<_> = examples.keys().map(String::as_str).collect();
        assert!(
            languages == ["example"] || languages == ["en", "ko"],
            "{languages:?}"
        );
        for example in examples.values() {
            assert_eq!(
                empty_texts(&example["value"], ""),
                Vec::<String>::new(),
                "{}: state an `example` in the proto",
                media["schema"]
            );
        }
    }
}

#[test]
fn empty_text_in_an_example_is_found() {
    let example = json!({ "id": "1", "owner": { "name": "" }, "images": [""] });
    assert_eq!(empty_texts(&example, ""), [".images", ".owner.name"]);
}

/// Converts the example of a request, with its path variables, as the gateway converts a request.
fn message_of(route: &Route, lang: Lang) -> DynamicMessage {
    let input = route.rpc.descriptor.input();
    let mut bytes = Vec::new();
    match &route.body {
        Body::None => {
            let json = examples::of_message(&input, schema::Direction::Request, &[], lang);
            route.rpc.input.decode(&json, &[], &mut bytes).unwrap();
        }
        Body::Whole => {
            let mut json = body_example(route, lang).unwrap();
            for variable in &route.variables {
                let field = input.get_field_by_name(variable).unwrap();
                json[variable] = examples::of_field(&field, schema::Direction::Request, lang);
            }
            route.rpc.input.decode(&json, &[], &mut bytes).unwrap();
        }
        Body::Field(name) => {
            let json = json!({ name: body_example(route, lang).unwrap() });
            route.rpc.input.decode(&json, &[], &mut bytes).unwrap();
        }
    }
    DynamicMessage::decode(input, &bytes[..]).unwrap()
}

#[test]
fn every_request_example_satisfies_the_rules() {
    let (routes, _) = contract();
    for route in routes.iter() {
        for lang in [Lang::Ko, Lang::En] {
            let message = message_of(route, lang);
            let valid = codec::validate(&message);
            assert!(valid.is_ok(), "{} {}: {valid:?}", route.method, route.path);
        }
    }
}

#[test]
fn stated_examples_differ_by_language_and_hangul_is_not_in_the_english_one() {
    let (_, document) = contract();
    let create = &document["paths"]["/v1/bookings"]["post"]["requestBody"]["content"]["application/json"];
    assert_eq!(
        create["examples"]["en"]["value"]["guest_message"],
        "For a weekend trip."
    );
    assert_eq!(
        create["examples"]["ko"]["value"]["guest_message"],
        "주말 여행에 사용하려고 합니다."
    );
    let conflict =
        &document["paths"]["/v1/bookings"]["post"]["responses"]["409"]["content"]["application/problem+json"];
    assert_eq!(conflict["examples"]["en"]["value"]["code"], "BOOKING002");
    for field in contract::messages().flat_map(|message| message.fields().collect::<Vec<_>>()) {
        if let Some((ko, en)) = contract::example(&field) {
            assert!(!ko.is_empty() && !en.is_empty(), "{}", field.full_name());
        }
    }
}

#[test]
fn ids_are_uuids_and_enums_are_components() {
    let (_, document) = contract();
    for object in objects(&document["components"]["schemas"]) {
        for (name, property) in object
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let is_id = name == "id" || name.ends_with("_id");
            if is_id && !FOREIGN_IDS.contains(&name.as_str()) {
                assert_eq!(property["format"], "uuid", "{name}: {property}");
            }
        }
    }
    let schemas = &document["components"]["schemas"];
    assert_eq!(
        schemas["Booking"]["properties"]["status"]["$ref"],
        "#/components/schemas/BookingStatus"
    );
    assert_eq!(schemas["BookingStatus"]["enum"][0], "pending");
    // Two packages have an enum of this name.
    assert_eq!(
        schemas["Booking"]["properties"]["payment_status"]["$ref"],
        "#/components/schemas/BookingPaymentStatus"
    );
}

#[test]
fn replies_require_what_is_always_set() {
    let (_, document) = contract();
    let required = document["components"]["schemas"]["Booking"]["required"]
        .as_array()
        .unwrap();
    for name in [
        "id",
        "vehicle",
        "start_datetime",
        "status",
        "payment_status",
        "created_at",
    ] {
        assert!(required.contains(&json!(name)), "{name}");
    }
    for name in ["cancellation", "guest_message", "confirmed_at"] {
        assert!(!required.contains(&json!(name)), "{name}");
    }
}

#[test]
fn info_suits_generators() {
    let (_, document) = contract();
    assert!(document["info"]["title"].as_str().unwrap().is_ascii());
    assert_eq!(document["servers"][0]["url"], "https://api.carshare.kr");
    assert!(document["info"]["contact"]["email"].is_string());
    assert_eq!(document["info"]["license"]["identifier"], "Apache-2.0");
}

#[test]
fn code_samples_are_curl_typescript_and_python() {
    let (_, document) = contract();
    for operation in operations(&document) {
        assert_eq!(operation["x-codeSamples"].as_array().unwrap().len(), 3);
    }
    let samples = &document["paths"]["/v1/bookings"]["post"]["x-codeSamples"];
    insta::assert_snapshot!(
        samples
            .as_array()
            .unwrap()
            .iter()
            .map(|sample| sample["source"].as_str().unwrap())
            .collect::<Vec<_>>()
            .join("\n---\n")
    );
}
