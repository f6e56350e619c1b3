//! The Postman collection of the real contract.

use super::*;
use crate::openapi::postman::collection;

fn requests(item: &Value) -> Vec<&Value> {
    match item.get("item") {
        Some(items) => items.as_array().unwrap().iter().flat_map(requests).collect(),
        None => vec![item],
    }
}

#[test]
fn collection_has_every_operation_that_ends_and_begins_with_the_account() {
    let (routes, document) = contract();
    let collection = collection(&document);
    let requests = requests(&collection);
    let streams = routes
        .iter()
        .filter(|route| route.rpc.rest.server_sent_events)
        .count();
    assert_eq!(requests.len(), routes.iter().count() - streams + 1);
    let first = &requests[0]["request"];
    assert_eq!(first["url"], "{{baseUrl}}/v1/auth/register");
    assert!(
        first["body"]["raw"]
            .as_str()
            .unwrap()
            .contains("{{$guid}}@example.com")
    );
    assert_eq!(collection["variable"][0]["value"], "https://api.carshare.kr");
}

#[test]
fn urls_have_the_examples_of_their_parameters() {
    let (_, document) = contract();
    let collection = collection(&document);
    for request in requests(&collection) {
        let url = request["request"]["url"].as_str().unwrap();
        let path = url.strip_prefix("{{baseUrl}}").unwrap();
        assert!(!path.contains('{'), "{url}");
    }
    let search = requests(&collection).into_iter().find(|request| {
        request["request"]["url"]
            .as_str()
            .unwrap()
            .contains("/v1/vehicles?")
    });
    let url = search.unwrap()["request"]["url"].as_str().unwrap();
    assert!(
        url.contains("lat=37.5663&lng=126.9779&start_datetime=2030-01-05T01:00:00Z"),
        "{url}"
    );
}

#[test]
fn tests_expect_the_declared_statuses_without_server_errors() {
    let (_, document) = contract();
    let collection = collection(&document);
    let create = requests(&collection)
        .into_iter()
        .find(|request| {
            request["request"]["url"] == "{{baseUrl}}/v1/bookings" && request["request"]["method"] == "POST"
        })
        .unwrap();
    let script = create["event"][0]["script"]["exec"][0].as_str().unwrap();
    assert!(
        script.contains("oneOf([201, 400, 401, 403, 404, 409, 429])"),
        "{script}"
    );
}
