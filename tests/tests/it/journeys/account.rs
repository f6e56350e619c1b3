//! What a user changes on their own account: name, password, cards, and the list of their cars.

use http::Method;
use serde_json::{Value, json};

use crate::harness::{PASSWORD, Response, Rest, Setup, id, photo, put};

fn ids(list: &Value) -> Vec<String> {
    list.as_array().expect("a bare array").iter().map(id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn renamed_guest_is_shown_to_the_host() {
    let setup = Setup::start().await;
    let booking = setup.requested().await;
    let renamed = setup
        .guest
        .rest
        .put("/v1/auth/me", &json!({ "name": "새이름" }))
        .await;
    assert_eq!(renamed.ok(200)["name"], "새이름");
    setup
        .guest
        .wait_for_booking(&booking, |booking| booking["guest"]["name"] == "새이름")
        .await;
    let problem = setup
        .guest
        .rest
        .put("/v1/auth/me", &json!({ "phone": "1" }))
        .await;
    assert_eq!(
        problem.expect_error(400, "COMMON001")["errors"][0]["field"],
        "phone"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn patch_changes_clears_and_refuses_to_overwrite_what_was_not_read() {
    let setup = Setup::start().await;
    let rest = &setup.host.rest;
    let path = format!("/v1/vehicles/{}", setup.car);
    let patch = async |tag: &str, body: Value| {
        let request = rest.request(Method::PATCH, &path).header("if-match", tag);
        Response::of(request.json(&body)).await
    };
    let tag = |response: &Response| response.headers["etag"].to_str().expect("ASCII").to_owned();
    let read = tag(&rest.get(&path).await);

    let described = patch(
        &read,
        json!({ "description": "블랙박스 있음", "hourly_rate": 15_000 }),
    )
    .await;
    let described_tag = tag(&described);
    assert_eq!(described.ok(200)["description"], "블랙박스 있음");
    // Another app that read the car before.
    let late = patch(&read, json!({ "hourly_rate": 9_000 })).await;
    let problem = late.expect_error(412, "COMMON013");
    assert_eq!(
        problem["detail"],
        "그사이 내용이 변경되었습니다. 다시 불러온 뒤 수정해 주세요."
    );

    let unknown = patch(
        &described_tag,
        json!({ "description": null, "hourly_rate": null }),
    )
    .await;
    assert_eq!(
        unknown.expect_error(400, "COMMON001")["errors"][0]["field"],
        "hourly_rate"
    );
    let kept = rest.put(&path, &json!({ "description": null })).await;
    assert_eq!(tag(&kept), described_tag);
    let cleared = patch(&described_tag, json!({ "description": null }))
        .await
        .ok(200);
    assert_eq!(
        (cleared.get("description"), &cleared["hourly_rate"]),
        (None, &json!(15_000))
    );
    let unconditional = patch("*", json!({ "color": null })).await.ok(200);
    assert_eq!(unconditional.get("color"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_password_ends_the_other_sessions() {
    let setup = Setup::start().await;
    let (here, elsewhere) = (&setup.guest.rest, setup.guest.sign_in().await);
    let change = |current: &str| json!({ "current_password": current, "new_password": "battery staple 22" });
    let wrong = here.put("/v1/auth/password", &change("correct horse 43")).await;
    assert_eq!(
        wrong.expect_error(400, "AUTH016")["errors"][0]["field"],
        "current_password"
    );
    here.put("/v1/auth/password", &change(PASSWORD)).await.ok(204);
    elsewhere.get("/v1/auth/me").await.expect_error(401, "AUTH004");
    here.get("/v1/auth/me").await.ok(200);
    let old = json!({ "email": setup.guest.email, "password": PASSWORD });
    let rest = Rest::of(&setup.mesh);
    rest.post("/v1/auth/login", &old)
        .await
        .expect_error(401, "AUTH010");
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_are_chosen_and_deleted() {
    let setup = Setup::start().await;
    let rest = &setup.guest.rest;
    let first = id(&rest.read("/v1/payments/methods").await[0]);
    let second = id(&setup.guest.add_card(carshare_sandbox::GOOD_CARD).await.ok(201));
    let path = format!("/v1/payments/methods/{first}/default");
    assert_eq!(rest.put(&path, &json!({})).await.ok(200)["is_default"], true);
    assert_eq!(
        ids(&rest.read("/v1/payments/methods").await),
        [first.clone(), second.clone()]
    );
    let path = format!("/v1/payments/methods/{first}");
    rest.delete(&path).await.ok(204);
    rest.delete(&path).await.expect_error(404, "PAYMENT007");
    assert_eq!(ids(&rest.read("/v1/payments/methods").await), [second]);
    setup.confirmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn host_lists_their_own_cars() {
    let setup = Setup::start().await;
    let rest = &setup.host.rest;
    let inactive = id(&setup.host.new_car().await.ok(201));
    let page = rest.get("/v1/vehicles/mine?page_size=1").await;
    let token = page.headers["x-next-page-token"]
        .to_str()
        .expect("text")
        .to_owned();
    assert_eq!(ids(&page.ok(200)), std::slice::from_ref(&inactive));
    let rest_of = rest
        .read(&format!("/v1/vehicles/mine?page_size=1&page_token={token}"))
        .await;
    assert_eq!(ids(&rest_of), std::slice::from_ref(&setup.car));
    let listed = rest.read("/v1/vehicles/mine?status=inactive").await;
    assert_eq!(ids(&listed), [inactive]);
    let other = format!("/v1/vehicles/mine?status=active&page_token={token}");
    let problem = rest.get(&other).await.expect_error(400, "COMMON001");
    assert_eq!(problem["errors"][0]["field"], "page_token");
    setup
        .guest
        .rest
        .get("/v1/vehicles/mine")
        .await
        .expect_error(403, "AUTH003");
}

#[tokio::test(flavor = "multi_thread")]
async fn host_chooses_the_cover_and_deletes_a_photo() {
    let setup = Setup::start().await;
    let rest = &setup.host.rest;
    setup.host.add_photo(&setup.car).await.ok(200);
    let path = format!("/v1/vehicles/{}/images", setup.car);
    let uploaded = ids(&rest.read(&path).await);
    let cover = json!({ "image_ids": [uploaded[1]] });
    let arranged = rest.put(&path, &cover).await.ok(200);
    assert_eq!(ids(&arranged), [uploaded[1].clone(), uploaded[0].clone()]);
    let car = rest.read(&format!("/v1/vehicles/{}", setup.car)).await;
    assert_eq!(car["images"][0], arranged[0]["url"]);

    rest.delete(&format!("{path}/{}", uploaded[1])).await.ok(204);
    let only = format!("{path}/{}", uploaded[0]);
    rest.delete(&only).await.expect_error(409, "VEHICLE015");
    let gone = arranged[0]["url"].as_str().expect("a URL");
    assert_eq!(
        reqwest::get(gone).await.expect("a response").status().as_u16(),
        404
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn profile_image_of_a_guest_is_shown_to_the_host() {
    let setup = Setup::start().await;
    let booking = setup.requested().await;
    let rest = &setup.guest.rest;
    let file = photo();
    let announced = json!({ "content_type": "image/png", "size_bytes": file.len() });
    let upload = rest.post("/v1/auth/me/image", &announced).await.ok(201);
    assert_eq!(put(&upload, file).await, 200);
    let path = format!(
        "/v1/auth/me/image/{}/complete",
        upload["image_id"].as_str().expect("an id")
    );
    let me = rest.put(&path, &json!({})).await.ok(200);
    let url = me["profile_image_url"].as_str().expect("a URL");
    let shown = reqwest::get(url).await.expect("a response");
    assert_eq!(shown.headers()["content-type"], "image/jpeg");
    assert!(shown.bytes().await.expect("a body").starts_with(b"\xff\xd8\xff"));
    setup
        .guest
        .wait_for_booking(&booking, |booking| booking["guest"]["profile_image_url"] == url)
        .await;
    rest.delete("/v1/auth/me/image").await.ok(204);
    assert_eq!(rest.read("/v1/auth/me").await.get("profile_image_url"), None);
    assert_eq!(
        reqwest::get(url).await.expect("a response").status().as_u16(),
        404
    );
}
