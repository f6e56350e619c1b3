//! E-mail addresses over REST, with the mails of the sandbox.

use carshare_mesh::Mesh;
use carshare_testkit::eventually;
use serde_json::{Value, json};

use crate::harness::{PASSWORD, Response, Rest, TIMEOUT, mesh};

/// Values of a reply by name, and its headers, without those that differ from call to call.
fn shape(response: &Response) -> (u16, Vec<String>, Vec<String>) {
    let headers = response.headers.keys().map(ToString::to_string);
    let keys = |value: &Value| {
        value
            .as_object()
            .map_or_else(Vec::new, |fields| fields.keys().cloned().collect())
    };
    let fields = [keys(&response.body), keys(&response.body["user"])].concat();
    (response.status.as_u16(), headers.collect(), fields)
}

#[tokio::test(flavor = "multi_thread")]
async fn registration_and_reset_have_the_same_replies_for_fresh_and_for_verified_addresses() {
    let mesh = mesh().await;
    let rest = Rest::of(&mesh);
    let account = |email: &str| json!({ "email": email, "password": PASSWORD, "name": "박서준", "phone": "010-2345-6789", "role": "guest" });
    let owner = rest
        .post("/v1/auth/register", &account("owner@example.com"))
        .await
        .ok(201);
    let mail = mail_to(&mesh, "owner@example.com", 1).await;
    let token = mail.text.lines().last().expect("a token").to_owned();
    let verify = json!({ "token": token, "password": PASSWORD });
    rest.post("/v1/auth/email/verify", &verify).await.ok(204);

    let taken = rest
        .post("/v1/auth/register", &account("OWNER@example.com"))
        .await;
    let fresh = rest
        .post("/v1/auth/register", &account("fresh@example.com"))
        .await;
    assert_eq!(shape(&taken), shape(&fresh));
    assert_eq!(taken.status, 201);
    assert_ne!(taken.body["user"]["id"], owner["user"]["id"]);
    let notice = mail_to(&mesh, "owner@example.com", 2).await;
    assert!(
        notice.subject.contains("You already have an account"),
        "{}",
        notice.subject
    );

    let reset = async |email: &str| {
        rest.post("/v1/auth/password/reset-request", &json!({ "email": email }))
            .await
    };
    let (known, unknown) = (
        reset("owner@example.com").await,
        reset("nobody@example.com").await,
    );
    assert_eq!(shape(&known), shape(&unknown));
    assert_eq!(known.status, 204);
    assert!(
        mail_to(&mesh, "owner@example.com", 3)
            .await
            .subject
            .contains("Reset your password")
    );
    assert!(
        mesh.sandbox()
            .mails()
            .iter()
            .all(|mail| mail.to != "nobody@example.com")
    );
}

/// Waits for the mail of this number, from 1, to an address.
async fn mail_to(mesh: &Mesh, address: &str, number: usize) -> carshare_sandbox::Mail {
    eventually(TIMEOUT, || async {
        let mails = mesh.sandbox().mails();
        mails
            .into_iter()
            .filter(|mail| mail.to == address)
            .nth(number - 1)
    })
    .await
}
