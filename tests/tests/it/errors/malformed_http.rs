//! Raw HTTP requests that no HTTP client sends: malformed targets, headers and bodies.

use carshare_mesh::Mesh;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::case::assert_no_internals;
use crate::harness::{Guest, Rest, TIMEOUT, mesh};

/// Sends bytes and reads until the gateway closes the connection: status and the whole response.
async fn say(mesh: &Mesh, bytes: &[u8]) -> (u16, String) {
    let address = mesh.gateway().strip_prefix("http://").expect("plain HTTP");
    let talk = async {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        // The gateway may close before it has read everything.
        let _ = stream.write_all(bytes).await;
        let mut response = Vec::new();
        let _ = stream.read_to_end(&mut response).await;
        String::from_utf8(response).expect("UTF-8")
    };
    let response = tokio::time::timeout(TIMEOUT, talk)
        .await
        .expect("an response in time");
    let status = response.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_default(), response)
}

fn get(target: &str, headers: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n").into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn unusual_targets_are_rejected() {
    let mesh = mesh().await;
    let guest = Guest::register(&mesh).await.rest;
    let token = format!("authorization: Bearer {}\r\n", guest.token());
    for (target, status, code) in [
        ("/v1/bookings/../../../etc/passwd", 404, "COMMON002"),
        ("/v1/bookings/..%2f..%2f..%2fetc%2fpasswd", 400, "COMMON001"),
        ("/v1/bookings/%2e%2e", 400, "COMMON001"),
        ("/v1/bookings/..", 400, "COMMON001"),
        ("/v1/bookings/%00", 400, "COMMON001"),
        ("/v1/bookings/%0d%0aset-cookie:%20a=b", 400, "COMMON001"),
        ("/v1/bookings/%3Cscript%3Ealert(1)%3C/script%3E", 404, "COMMON002"),
        (
            "/v1/bookings/5b0e0000-0000-7000-8000-000000000001%00",
            400,
            "COMMON001",
        ),
        (
            "/v1/bookings/5B0E0000-0000-7000-8000-000000000001",
            404,
            "BOOKING001",
        ),
        ("//v1/bookings", 404, "COMMON002"),
        (
            "/v1/bookings?page_token=%27%3B%20DROP%20TABLE%20bookings%3B--",
            400,
            "COMMON001",
        ),
    ] {
        let (said, response) = say(&mesh, &get(target, &token)).await;
        assert_eq!(said, status, "{target}: {response}");
        assert!(
            response.contains(&format!(r#""code":"{code}""#)),
            "{target}: {response}"
        );
        assert!(
            response.contains("content-type: application/problem+json\r\n"),
            "{response}"
        );
        assert!(!response.contains("\r\nset-cookie"), "{response}");
        let (_, body) = response.split_once("\r\n\r\n").expect("a body");
        assert_no_internals(body);
    }
    // Percent-encoded bytes that are not UTF-8.
    let (status, response) = say(&mesh, &get("/v1/bookings/%ff%fe", &token)).await;
    assert!([400, 404].contains(&status), "{response}");
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_http_is_rejected() {
    let mesh = mesh().await;
    let long = "x".repeat(100_000);
    let many = "x-a: b\r\n".repeat(5_000);
    for (what, bytes) in [
        ("a NUL in the target", get("/v1/\0", "")),
        ("a NUL in a header", get("/v1/auth/me", "x-a: \0\r\n")),
        ("a control character", get("/v1/auth/me", "x-a: \x01\r\n")),
        ("a target without end", get(&format!("/{long}"), "")),
        (
            "a query without end",
            get(&format!("/v1/bookings?page_token={long}"), ""),
        ),
        (
            "a header without end",
            get("/v1/auth/me", &format!("x-a: {}\r\n", "x".repeat(1 << 20))),
        ),
        ("headers without number", get("/v1/auth/me", &many)),
        (
            "no request at all",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(),
        ),
        (
            "two lengths",
            b"POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"
                .to_vec(),
        ),
        (
            "a negative length",
            b"POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n".to_vec(),
        ),
    ] {
        let (status, response) = say(&mesh, &bytes).await;
        assert!(
            (400..500).contains(&status) || response.is_empty(),
            "{what}: {response}"
        );
        assert_no_internals(response.split_once("\r\n\r\n").map_or("", |(_, body)| body));
    }
    Rest::of(&mesh).get("/readyz").await.ok(200);
}

/// A body that is not read ends the connection: the next request on it would be lost.
#[tokio::test(flavor = "multi_thread")]
async fn response_before_the_end_of_the_request_closes_the_connection() {
    let mesh = mesh().await;
    let guest = Guest::register(&mesh).await.rest;
    let head = |path: &str, media: &str, length: usize| {
        let token = guest.token();
        format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: {media}\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    let rpc = "/carshare.booking.v1.BookingService/CreateBooking";
    for (request, status) in [
        (head("/v1/bookings", "application/json", 2 << 20), 413),
        (head("/v1/nowhere", "application/json", 1 << 20), 404),
        (head("/v1/auth/me", "application/json", 1 << 20), 405),
        (head("/v1/vehicles", "application/json", 1 << 20), 403),
        (head("/x.Y/Z", "application/grpc-web+proto", 1 << 20), 200),
        (
            head(rpc, "application/grpc-web+proto", 8 << 20) + "\0\0\x7f\0\0",
            200,
        ),
    ] {
        let (said, response) = say(&mesh, request.as_bytes()).await;
        assert_eq!(said, status, "{response}");
        assert!(
            response.to_lowercase().contains("\r\nconnection: close\r\n"),
            "{response}"
        );
    }
}

/// Headers up to the gateway's limit are forwarded; longer ones are 431.
#[tokio::test(flavor = "multi_thread")]
async fn long_headers_are_forwarded_or_rejected() {
    let mesh = mesh().await;
    let guest = Guest::register(&mesh).await.rest;
    let token = format!("authorization: Bearer {}\r\n", guest.token());
    for bytes in [3_000, 12_000, 60_000, 200_000] {
        let long = "x".repeat(bytes);
        for (header, expected) in [
            ("accept-language", &[200, 431][..]),
            ("user-agent", &[200, 431]),
            ("x-correlation-id", &[200, 431]),
            ("traceparent", &[200, 431]),
            ("cookie", &[200, 431]),
            ("idempotency-key", &[400, 431]),
        ] {
            let (status, response) = say(
                &mesh,
                &get("/v1/bookings", &format!("{token}{header}: {long}\r\n")),
            )
            .await;
            assert!(
                expected.contains(&status),
                "{header} of {bytes}: {}",
                &response[..response.len().min(2_000)]
            );
        }
        let stranger = format!("authorization: Bearer {long}\r\n");
        let (status, response) = say(&mesh, &get("/v1/auth/me", &stranger)).await;
        assert!([401, 431].contains(&status), "{bytes}: {response}");
        // A public call ignores an invalid token.
        let (status, response) = say(&mesh, &get("/.well-known/jwks.json", &stranger)).await;
        assert!([200, 431].contains(&status), "{bytes}: {response}");
    }
}
