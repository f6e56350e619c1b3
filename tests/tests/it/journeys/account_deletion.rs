//! Deletion of an account.

use carshare_proto::auth::v1::GetMeRequest;
use serde_json::{Value, json};
use tonic::Code;

use crate::harness::{ErrorInfo, GrpcClient, PASSWORD, Rest, Setup, id, next_slot, with_token};

fn account() -> Value {
    json!({
        "email": "leaving@example.com", "password": PASSWORD, "name": "박서준", "phone": "010-2345-6789", "role": "guest",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn guest_is_deleted_once_no_booking_is_open_and_the_tokens_are_refused() {
    let setup = Setup::start().await;
    let rest = Rest::of(&setup.mesh);
    let session = rest.post("/v1/auth/register", &account()).await.ok(201);
    let text = |name: &str| session[name].as_str().expect("a token").to_owned();
    let (access, refresh) = (text("access_token"), text("refresh_token"));
    let guest = rest.signed_in(&access);
    let mut request = next_slot(setup.mesh.now()).json();
    request["vehicle_id"] = json!(setup.car);
    let booking = id(&guest.post("/v1/bookings", &request).await.ok(201));

    let delete = async |password: &str| {
        let proof = json!({ "current_password": password });
        guest.put("/v1/auth/me/delete", &proof).await
    };
    delete("wrong horse 42").await.expect_error(400, "AUTH016");
    let refused = delete(PASSWORD).await.expect_error(409, "AUTH030");
    assert_eq!(
        refused["detail"],
        "진행 중인 예약이 1건 있어 탈퇴할 수 없습니다. 예약을 취소하거나 이용을 마친 뒤 다시 시도해 주세요."
    );
    guest.get("/v1/auth/me").await.ok(200);
    let cancel = format!("/v1/bookings/{booking}/cancel");
    guest.put(&cancel, &json!({})).await.ok(200);
    delete(PASSWORD).await.ok(204);

    delete(PASSWORD).await.expect_error(401, "AUTH004");
    guest.get("/v1/auth/me").await.expect_error(401, "AUTH004");
    for wire in GrpcClient::all(&setup.mesh).await {
        let me = wire.auth().get_me(with_token(&access, GetMeRequest {})).await;
        let status = me.expect_err("an error");
        assert_eq!(
            (status.code(), ErrorInfo::from_status(&status).code.as_str()),
            (Code::Unauthenticated, "AUTH004"),
            "{:?}",
            wire.form
        );
    }
    let refreshed = rest
        .post("/v1/auth/refresh", &json!({ "refresh_token": refresh }))
        .await;
    refreshed.expect_error(401, "AUTH012");
    let credentials = json!({ "email": "leaving@example.com", "password": PASSWORD });
    let login = rest.post("/v1/auth/login", &credentials).await;
    login.expect_error(401, "AUTH010");
    let again = rest.post("/v1/auth/register", &account()).await.ok(201);
    assert_ne!(again["user"]["id"], session["user"]["id"]);
}
