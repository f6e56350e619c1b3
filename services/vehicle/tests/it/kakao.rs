//! Stub of Kakao's address search for a few addresses.

use serde_json::json;
use wiremock::matchers::{header, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

pub const GANGNAM: &str = "서울 강남구 테헤란로 152";
pub const CITY_HALL: &str = "서울 중구 세종대로 110";
pub const MAPO: &str = "서울 마포구 동교로 107";
pub const IKSAN: &str = "전북 익산시 망산길 11-17";

const ADDRESSES: [(&str, f64, f64); 4] = [
    (GANGNAM, 127.036_508_620_542, 37.500_024_240_551_5),
    (CITY_HALL, 126.977_829_174_031, 37.566_317_420_960_1),
    (MAPO, 126.913_812_427_216, 37.554_820_428_651_3),
    (IKSAN, 126.995_972_957_679_53, 35.976_648_457_668_47),
];

/// Starts the stub.
pub async fn start() -> MockServer {
    let server = MockServer::start().await;
    restore(&server).await;
    server
}

/// Makes the stub respond with its addresses, and resets the request count.
pub async fn restore(server: &MockServer) {
    server.reset().await;
    Mock::given(path("/v2/local/search/address.json"))
        .and(header("authorization", "KakaoAK map-key"))
        .respond_with(KnownAddresses)
        .mount(server)
        .await;
}

/// Makes the stub respond to everything with `template`, and resets the request count.
pub async fn respond_with(server: &MockServer, template: ResponseTemplate) {
    server.reset().await;
    Mock::given(path("/v2/local/search/address.json"))
        .respond_with(template)
        .mount(server)
        .await;
}

/// Returns the number of requests since the last reset.
pub async fn request_count(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

struct KnownAddresses;

impl Respond for KnownAddresses {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let query = request
            .url
            .query_pairs()
            .find(|(name, _)| name == "query")
            .map(|(_, value)| value.into_owned());
        let found = ADDRESSES
            .iter()
            .filter(|(address, ..)| Some(*address) == query.as_deref());
        let documents: Vec<_> = found
            .map(|(address, x, y)| {
                json!({ "address_name": address, "address_type": "ROAD_ADDR", "x": x.to_string(), "y": y.to_string() })
            })
            .collect();
        let meta =
            json!({ "total_count": documents.len(), "pageable_count": documents.len(), "is_end": true });
        ResponseTemplate::new(200).set_body_json(json!({ "meta": meta, "documents": documents }))
    }
}
