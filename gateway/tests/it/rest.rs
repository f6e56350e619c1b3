//! The REST front when all is well.

use reqwest::Method;
use serde_json::json;

use crate::harness::{Edge, VEHICLE, header, told};

#[tokio::test]
async fn a_booking_is_created_and_reads_as_the_spec_says() {
    let edge = Edge::start().await;
    let body = json!({
        "vehicle_id": VEHICLE, "start_datetime": "2026-11-23T10:00:00+09:00",
        "end_datetime": "2026-11-23T14:00:00+09:00", "guest_message": "안녕하세요",
    });
    let response = edge
        .request("guest", Method::POST, "/v1/bookings")
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(header(&response, "content-type"), Some("application/json"));
    let expected = json!({
        "id": "b-1", "vehicle_id": VEHICLE, "guest_id": "", "host_id": "",
        "start_datetime": "2026-11-23T01:00:00Z", "end_datetime": "2026-11-23T05:00:00Z",
        "total_amount": 52_000, "platform_fee": 7_800, "status": "pending", "guest_message": "안녕하세요",
    });
    assert_eq!(told(response).await, (201, expected));
}

#[tokio::test]
async fn a_list_is_a_bare_array_whose_next_page_is_linked() {
    let edge = Edge::start().await;
    let first = edge
        .request("guest", Method::GET, "/v1/bookings?status=approved&page_size=1")
        .send()
        .await
        .unwrap();
    assert_eq!(header(&first, "x-next-page-token"), Some("page=2"));
    let link = r#"</v1/bookings?status=approved&page_size=1&page_token=page%3D2>; rel="next""#;
    assert_eq!(header(&first, "link"), Some(link));
    let (status, list) = told(first).await;
    assert_eq!(
        (status, &list[0]["id"], &list[0]["status"]),
        (200, &json!("b-1"), &json!("approved"))
    );

    let next = "/v1/bookings?status=approved&page_size=1&page_token=page%3D2";
    let last = edge.request("guest", Method::GET, next).send().await.unwrap();
    assert_eq!(
        (header(&last, "link"), header(&last, "x-next-page-token")),
        (None, None)
    );
}

#[tokio::test]
async fn a_path_variable_becomes_a_field() {
    let edge = Edge::start().await;
    let path = format!("/v1/bookings/{VEHICLE}");
    let (status, booking) = told(edge.request("host", Method::GET, &path).send().await.unwrap()).await;
    assert_eq!((status, &booking["id"]), (200, &json!(VEHICLE)));
}

#[tokio::test]
async fn an_answer_without_content_has_none() {
    let edge = Edge::start().await;
    let response = edge
        .request("guest", Method::POST, "/v1/auth/logout")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (response.status().as_u16(), header(&response, "content-type")),
        (204, None)
    );
    assert_eq!(response.bytes().await.unwrap().len(), 0);
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let edge = Edge::start().await;
    let response = edge
        .request("guest", Method::HEAD, "/v1/bookings")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (response.status().as_u16(), header(&response, "x-next-page-token")),
        (200, Some("page=2"))
    );
}

#[tokio::test]
async fn the_key_set_is_public() {
    let edge = Edge::start().await;
    let response = edge
        .anonymous(Method::GET, "/.well-known/jwks.json")
        .send()
        .await
        .unwrap();
    assert_eq!(told(response).await, (200, edge.tokens.jwks()));
}

#[tokio::test]
async fn the_service_sees_who_asks_and_nothing_a_client_made_up() {
    let edge = Edge::start().await;
    let token = edge.token("guest");
    let request = edge
        .anonymous(Method::GET, "/v1/bookings")
        .bearer_auth(&token)
        .headers(
            [
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
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .into_iter()
            .collect(),
        );
    let response = request.send().await.unwrap();
    assert_eq!(header(&response, "x-correlation-id"), Some("app-77"));
    let seen = edge.services.last();
    let text = |name: &str| seen.get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(text("authorization"), Some(format!("Bearer {token}")));
    assert_eq!(text("x-correlation-id").as_deref(), Some("app-77"));
    assert_eq!(text("idempotency-key").as_deref(), Some("key-1"));
    assert_eq!(text("accept-language").as_deref(), Some("en"));
    assert!(
        text("traceparent")
            .unwrap()
            .starts_with("00-0af7651916cd43dd8448eb211c80319c-")
    );
    assert!(text("grpc-timeout").is_some());
    // The gateway's own name, not the one that was made up.
    assert_eq!(text("x-carshare-peer").as_deref(), Some("gateway"));
    assert_eq!((text("x-user-id"), text("cookie")), (None, None));
}

#[tokio::test]
async fn a_request_without_an_id_gets_one() {
    let edge = Edge::start().await;
    let response = edge.anonymous(Method::GET, "/healthz").send().await.unwrap();
    let id = header(&response, "x-correlation-id").unwrap();
    assert_eq!(uuid::Uuid::parse_str(id).unwrap().get_version_num(), 7);
}
