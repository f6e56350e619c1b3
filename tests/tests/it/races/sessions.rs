//! Concurrent uses of one refresh token.

use futures::future::join_all;
use serde_json::json;

use crate::harness::{Rest, mesh};

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_refreshes_succeed_once_and_end_the_session() {
    let mesh = mesh().await;
    let rest = Rest::of(&mesh);
    let account = json!({
        "email": "racer@example.com", "password": "correct horse 42", "name": "최", "phone": "010-2345-6789", "role": "guest",
    });
    let session = rest.post("/v1/auth/register", &account).await.ok(201);
    let token = json!({ "refresh_token": session["refresh_token"] });
    let responses = join_all((0..10).map(|_| rest.post("/v1/auth/refresh", &token))).await;
    let (won, lost): (Vec<_>, Vec<_>) = responses.into_iter().partition(|response| response.status == 200);
    assert_eq!(won.len(), 1);
    let mut reused = 0;
    for response in lost {
        let code = response.body["code"].as_str().expect("a code").to_owned();
        reused += usize::from(code == "AUTH013");
        assert!(["AUTH012", "AUTH013"].contains(&code.as_str()), "{code}");
        response.expect_error(401, &code);
    }
    assert_eq!(reused, 1, "the session ends once");
    let won = won.into_iter().next().expect("a success").ok(200);
    let next = json!({ "refresh_token": won["refresh_token"] });
    rest.post("/v1/auth/refresh", &next)
        .await
        .expect_error(401, "AUTH012");
    let access = won["access_token"].as_str().expect("a token");
    rest.signed_in(access)
        .get("/v1/auth/me")
        .await
        .expect_error(401, "AUTH004");
}
