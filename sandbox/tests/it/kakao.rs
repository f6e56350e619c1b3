//! Kakao Local, with the requests of the vehicle service.

use std::time::Duration;

use carshare_sandbox::Config;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::client::{Fixture, answer};

fn get(it: &Fixture, path: &str, query: &[(&str, &str)]) -> RequestBuilder {
    let key = format!("KakaoAK {}", Config::default().kakao_rest_key);
    it.request(Method::GET, &format!("/kakao{path}"))
        .query(query)
        .header("authorization", key)
}

async fn search(it: &Fixture, query: &[(&str, &str)]) -> (StatusCode, Value) {
    answer(get(it, "/v2/local/search/address.json", query)).await
}

async fn reverse(it: &Fixture, x: &str, y: &str) -> (StatusCode, Value) {
    answer(get(it, "/v2/local/geo/coord2address.json", &[("x", x), ("y", y)])).await
}

#[tokio::test]
async fn address_search_returns_the_documented_fields() {
    let it = Fixture::new().await;
    let (status, found) = search(&it, &[("query", "서울특별시 중구 세종대로 110")]).await;

    assert_eq!(status, 200);
    let expected = json!({
        "meta": { "total_count": 1, "pageable_count": 1, "is_end": true },
        "documents": [{
            "address_name": "서울 중구 세종대로 110", "address_type": "ROAD_ADDR",
            "x": "126.977829174031", "y": "37.5663174209601",
            "address": {
                "address_name": "서울 중구 태평로1가 31", "region_1depth_name": "서울", "region_2depth_name": "중구",
                "region_3depth_name": "태평로1가", "region_3depth_h_name": "명동", "h_code": "1114055000",
                "b_code": "1114010300", "mountain_yn": "N", "main_address_no": "31", "sub_address_no": "",
                "x": "126.977829174031", "y": "37.5663174209601"
            },
            "road_address": {
                "address_name": "서울 중구 세종대로 110", "region_1depth_name": "서울", "region_2depth_name": "중구",
                "region_3depth_name": "", "road_name": "세종대로", "underground_yn": "N", "main_building_no": "110",
                "sub_building_no": "", "building_name": "서울특별시청", "zone_no": "04524",
                "x": "126.977829174031", "y": "37.5663174209601"
            }
        }]
    });
    assert_eq!(found, expected);
}

#[tokio::test]
async fn address_search_of_districts_and_unknown_places_replies_as_documented() {
    let it = Fixture::new().await;
    let (_, region) = search(&it, &[("query", "서울 강남구 삼성동")]).await;
    assert_eq!(region["documents"][0]["address_type"], "REGION");
    assert_eq!(region["documents"][0]["road_address"], json!(null));
    let (status, nothing) = search(&it, &[("query", "강남역")]).await;
    assert_eq!(status, 200);
    assert_eq!(
        nothing,
        json!({ "meta": { "total_count": 0, "pageable_count": 0, "is_end": true }, "documents": [] })
    );
    let (_, exact) = search(&it, &[("query", "테헤란로 152"), ("analyze_type", "exact")]).await;
    assert_eq!(exact["meta"]["total_count"], 0);
}

#[tokio::test]
async fn invalid_keys_and_parameters_return_kakao_errors() {
    let it = Fixture::new().await;
    let path = "/kakao/v2/local/search/address.json?query=x";
    let denied = |message: &str| {
        (
            StatusCode::UNAUTHORIZED,
            json!({ "errorType": "AccessDeniedError", "message": message }),
        )
    };
    let with = |key: &str| {
        it.request(Method::GET, path)
            .header("authorization", format!("KakaoAK {key}"))
    };
    let missing = answer(it.request(Method::GET, path)).await;
    assert_eq!(missing, denied("cannot find Authorization : KakaoAK header"));
    assert_eq!(answer(with("short")).await, denied("wrong appKey(short) format"));
    let unknown = "00000000000000000000000000000000";
    assert_eq!(
        answer(with(unknown)).await,
        denied(&format!("appKey({unknown}) does not exist"))
    );

    let bad = |kind: &str, message: &str| {
        (
            StatusCode::BAD_REQUEST,
            json!({ "errorType": kind, "message": message }),
        )
    };
    assert_eq!(
        search(&it, &[]).await,
        bad("MissingParameter", "query parameter required")
    );
    let page = search(&it, &[("query", "x"), ("page", "46")]).await;
    assert_eq!(page, bad("InvalidArgument", "page is more than max"));
    let size = search(&it, &[("query", "x"), ("size", "31")]).await;
    assert_eq!(size, bad("InvalidArgument", "size is more than max"));
}

#[tokio::test]
async fn reverse_geocoding_returns_the_nearest_address_in_its_long_form() {
    let it = Fixture::new().await;
    let (_, found) = reverse(&it, "127.4231", "37.0790").await;
    assert_eq!(found["meta"]["total_count"], 1);
    let road = &found["documents"][0]["road_address"];
    assert_eq!(road["address_name"], "경기도 안성시 죽산면 죽산초교길 69-4");
    assert_eq!(
        (&road["region_1depth_name"], &road["zone_no"]),
        (&json!("경기"), &json!("17519"))
    );
    let address = &found["documents"][0]["address"];
    assert_eq!(address["address_name"], "경기 안성시 죽산면 죽산리 343-1");
    assert!(address.get("b_code").is_none() && address.get("x").is_none());

    let (_, district) = reverse(&it, "127.0628", "37.5143").await;
    assert_eq!(district["documents"][0]["road_address"], json!(null));
    assert_eq!(
        reverse(&it, "-0.12", "51.5").await.1,
        json!({ "meta": { "total_count": 0 }, "documents": [] })
    );
}

#[tokio::test]
async fn daily_quota_is_exhausted_and_resets_at_korean_midnight() {
    let it = Fixture::with(Config {
        kakao_daily_limit: 1,
        ..Config::default()
    })
    .await;
    assert_eq!(search(&it, &[("query", "x")]).await.0, 200);
    let throttled = json!({ "errorType": "RequestThrottled", "message": "API limit has been exceeded." });
    assert_eq!(
        search(&it, &[("query", "x")]).await,
        (StatusCode::TOO_MANY_REQUESTS, throttled)
    );
    it.clock.advance(Duration::from_hours(14));
    assert_eq!(search(&it, &[("query", "x")]).await.0, 200);
}
