//! Successful REST requests.

use reqwest::Method;
use serde_json::json;

use crate::harness::{Harness, VEHICLE, header, into_json, send, send_for_json};

#[tokio::test]
async fn created_booking_has_the_fields_of_the_spec() {
    let gateway = Harness::start().await;
    let response = send(gateway.create_booking("안녕하세요")).await;
    assert_eq!(header(&response, "content-type"), Some("application/json"));
    let expected = json!({
        "id": "b-1", "vehicle_id": VEHICLE, "guest_id": "", "host_id": "",
        "start_datetime": "2026-11-23T01:00:00Z", "end_datetime": "2026-11-23T05:00:00Z",
        "total_amount": 52_000, "platform_fee": 7_800, "status": "pending", "guest_message": "안녕하세요",
        "price_lines": [], "vat_amount": 0, "pickup_photos": [], "return_photos": [],
    });
    assert_eq!(into_json(response).await, (201, expected));
}

#[tokio::test]
async fn list_is_a_bare_array_with_a_link_to_the_next_page() {
    let gateway = Harness::start().await;
    let list = async |uri: &str| send(gateway.request("guest", Method::GET, uri)).await;
    let first = list("/v1/bookings?status=approved&page_size=1").await;
    assert_eq!(header(&first, "x-next-page-token"), Some("page=2"));
    let next = "/v1/bookings?status=approved&page_size=1&page_token=page%3D2";
    assert_eq!(header(&first, "link"), Some(&*format!(r#"<{next}>; rel="next""#)));
    let (status, bookings) = into_json(first).await;
    assert_eq!(
        (status, &bookings[0]["id"], &bookings[0]["status"]),
        (200, &json!("b-1"), &json!("approved"))
    );
    let last = list(next).await;
    assert_eq!(
        (header(&last, "link"), header(&last, "x-next-page-token")),
        (None, None)
    );
}

#[tokio::test]
async fn list_takes_several_statuses_an_order_and_a_range_and_returns_its_total_in_a_header() {
    let gateway = Harness::start().await;
    let list = async |uri: &str| send(gateway.request("guest", Method::GET, uri)).await;
    let query = "statuses=approved&statuses=active&order_by=starts_asc&created_from=2026-11-01T00:00:00Z";
    let counted = list(&format!("/v1/bookings?{query}&include_total=true")).await;
    assert_eq!(header(&counted, "x-total-count"), Some("12"));
    let (status, bookings) = into_json(counted).await;
    assert_eq!(
        (status, &bookings[0]["status"], &bookings[1]["status"]),
        (200, &json!("approved"), &json!("active"))
    );
    let uncounted = list("/v1/bookings").await;
    assert_eq!(header(&uncounted, "x-total-count"), None);
    let (status, _) = into_json(list("/v1/bookings?order_by=cheapest").await).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn path_variable_sets_a_field() {
    let gateway = Harness::start().await;
    let path = format!("/v1/bookings/{VEHICLE}");
    let (status, booking) = send_for_json(gateway.request("host", Method::GET, &path)).await;
    assert_eq!((status, &booking["id"]), (200, &json!(VEHICLE)));
}

#[tokio::test]
async fn no_content_response_has_no_body() {
    let gateway = Harness::start().await;
    let response = send(gateway.request("guest", Method::POST, "/v1/auth/logout")).await;
    assert_eq!(
        (response.status().as_u16(), header(&response, "content-type")),
        (204, None)
    );
    assert_eq!(response.bytes().await.unwrap().len(), 0);
}

#[tokio::test]
async fn head_has_the_headers_of_get() {
    let gateway = Harness::start().await;
    let response = send(gateway.request("guest", Method::HEAD, "/v1/bookings")).await;
    assert_eq!(
        (response.status().as_u16(), header(&response, "x-next-page-token")),
        (200, Some("page=2"))
    );
    let unknown = send(gateway.request("guest", Method::HEAD, "/v1/nothing")).await;
    assert_eq!(unknown.status().as_u16(), 404);
}

#[tokio::test]
async fn key_set_is_public() {
    let gateway = Harness::start().await;
    let jwks = send_for_json(gateway.anonymous(Method::GET, "/.well-known/jwks.json")).await;
    assert_eq!(jwks, (200, gateway.tokens.jwks()));
}

#[tokio::test]
async fn listed_headers_are_forwarded_and_others_are_not() {
    let gateway = Harness::start().await;
    let token = gateway.token("guest");
    let request = [
        ("x-correlation-id", "app-77"),
        ("idempotency-key", "key-1"),
        ("accept-language", "en"),
        (
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ),
        ("x-carshare-peer", "booking"),
        ("x-user-id", "admin"),
        ("cookie", "a=b"),
    ]
    .into_iter()
    .fold(
        gateway.anonymous(Method::GET, "/v1/bookings"),
        |request, (name, value)| request.header(name, value),
    );
    let response = send(request.bearer_auth(&token)).await;
    assert_eq!(header(&response, "x-correlation-id"), Some("app-77"));
    let seen = gateway.services.last();
    let text = |name: &str| seen.get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(text("authorization"), Some(format!("Bearer {token}")));
    assert_eq!(text("x-correlation-id").as_deref(), Some("app-77"));
    assert_eq!(text("idempotency-key").as_deref(), Some("key-1"));
    assert_eq!(text("accept-language").as_deref(), Some("en"));
    // The client's trace is not continued.
    let traceparent = text("traceparent").unwrap_or_default();
    assert!(
        !traceparent.contains("0af7651916cd43dd8448eb211c80319c"),
        "{traceparent}"
    );
    assert!(text("grpc-timeout").is_some());
    // The gateway's own name.
    assert_eq!(text("x-carshare-peer").as_deref(), Some("gateway"));
    assert_eq!((text("x-user-id"), text("cookie")), (None, None));
}

#[tokio::test]
async fn request_without_a_correlation_id_gets_one() {
    let gateway = Harness::start().await;
    let response = send(gateway.anonymous(Method::GET, "/healthz")).await;
    let id = header(&response, "x-correlation-id").unwrap();
    assert_eq!(uuid::Uuid::parse_str(id).unwrap().get_version_num(), 7);
}
