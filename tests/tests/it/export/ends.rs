//! Exports that end early, and a large one.

use std::collections::BTreeSet;

use carshare_proto::auth::export::v1::ExportMyDataRequest;
use carshare_proto::auth::export::v1::export_service_client::ExportServiceClient;
use reqwest::Method;
use serde_json::{Value, json};
use tonic::Code;

use super::client::{EXPORT, export, export_over, export_over_connect, is_end, kinds, without_end};
use crate::harness::{ErrorInfo, GrpcClient, Host, Protocol, Setup, invariants, mesh_with, with_session};

/// Gives the host many more notifications than the buffers between them and the service hold.
async fn add_notifications(setup: &Setup) {
    setup
        .sql
        .execute(
            "INSERT INTO notification.notifications (id, user_id, seq, event_id, kind, title, body, data, created_at) \
             SELECT gen_random_uuid(), user_id, 1000 + number, gen_random_uuid(), kind, title, repeat('x', 2000), '{}', created_at \
             FROM (SELECT * FROM notification.notifications WHERE kind = 'vehicle.activated' LIMIT 1) AS one, \
                  generate_series(1, 10000) AS number",
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_export_is_complete_and_ends_when_its_token_is_revoked() {
    let setup = Setup::start().await;
    invariants::wait_until_quiescent(&setup.mesh).await;
    add_notifications(&setup).await;
    let rest = &setup.host.rest;
    let lines = without_end(export(rest).await);
    let ids: BTreeSet<_> = lines
        .iter()
        .filter_map(|line| line["notification"]["id"].as_str())
        .collect();
    assert!(
        ids.len() > 10_000 && lines.len() > ids.len(),
        "{} {}",
        ids.len(),
        lines.len()
    );

    let wire = GrpcClient::connect(&setup.mesh, Protocol::Native).await;
    let mut client = ExportServiceClient::new(wire.transport());
    let opened = client
        .export_my_data(with_session(rest, ExportMyDataRequest {}))
        .await;
    let mut stream = opened.expect("a stream").into_inner();
    let mut lines = rest
        .request(Method::GET, EXPORT)
        .send()
        .await
        .expect("a response");
    stream
        .message()
        .await
        .expect("an open stream")
        .expect("the account");
    rest.post("/v1/auth/logout", &json!({})).await.ok(204);

    let error = loop {
        match stream.message().await {
            Ok(record) => assert!(!is_end(&record.expect("no end without an error"))),
            Err(error) => break error,
        }
    };
    assert_eq!(error.code(), Code::Unauthenticated);
    assert_eq!(ErrorInfo::from_status(&error).code, "AUTH004");
    let mut text = Vec::new();
    while let Some(chunk) = lines.chunk().await.expect("a whole body") {
        text.extend_from_slice(&chunk);
    }
    let text = String::from_utf8(text).expect("UTF-8");
    let last: Value = serde_json::from_str(text.lines().last().expect("a line")).expect("JSON");
    assert_eq!(last["error"]["code"], "AUTH004", "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn export_without_one_of_the_services_ends_as_unavailable_after_the_records_before() {
    let mesh = mesh_with("AUTH__PAYMENT__URI", "https://127.0.0.1:9").await;
    let host = Host::register(&mesh).await;
    host.car().await;
    let mut lines = export(&host.rest).await;
    let last = lines.pop().expect("a line");
    assert_eq!(
        (&last["error"]["code"], &last["error"]["status"]),
        (&json!("COMMON005"), &json!(503))
    );
    assert_eq!(
        kinds(&lines),
        BTreeSet::from(["account", "security_event", "session", "vehicle"])
    );
    for wire in GrpcClient::all(&mesh).await {
        let (records, error) = export_over(&wire, &host.rest).await;
        assert_eq!(
            error.map(|error| error.code()),
            Some(Code::Unavailable),
            "{:?}",
            wire.form
        );
        assert_eq!(records.len(), lines.len());
        assert!(!records.iter().any(is_end));
    }
    let (messages, end) = export_over_connect(&host.rest).await;
    assert_eq!(
        (messages.len(), &end["error"]["code"]),
        (lines.len(), &json!("unavailable"))
    );
}
