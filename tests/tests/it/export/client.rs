//! Clients of an export over each protocol.

use std::collections::BTreeSet;

use carshare_proto::auth::export::v1::export_record::Record;
use carshare_proto::auth::export::v1::export_service_client::ExportServiceClient;
use carshare_proto::auth::export::v1::{ExportMyDataRequest, ExportRecord};
use reqwest::Method;
use serde_json::Value;
use tonic::Status;

use crate::harness::{GrpcClient, Rest, with_session};

pub const EXPORT: &str = "/v1/auth/me/export";

/// Returns the lines of an export over REST.
pub async fn export(rest: &Rest) -> Vec<Value> {
    let response = rest
        .request(Method::GET, EXPORT)
        .send()
        .await
        .expect("a response");
    assert_eq!(response.status().as_u16(), 200);
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let text = response.text().await.expect("a whole body");
    assert!(text.ends_with('\n'));
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

pub fn kinds(records: &[Value]) -> BTreeSet<&str> {
    let names = records
        .iter()
        .flat_map(|record| record.as_object().expect("an object").keys());
    names.map(String::as_str).collect()
}

/// Asserts that the last line counts the others, and returns these.
pub fn without_end(mut lines: Vec<Value>) -> Vec<Value> {
    let end = lines.pop().expect("an end");
    assert_eq!(end["end"]["record_count"], lines.len(), "{end}");
    assert!(end["end"]["exported_at"].is_string());
    lines
}

/// Reads an export over gRPC to its end or error.
pub async fn export_over(wire: &GrpcClient, rest: &Rest) -> (Vec<ExportRecord>, Option<Status>) {
    let mut client = ExportServiceClient::new(wire.transport());
    let opened = client
        .export_my_data(with_session(rest, ExportMyDataRequest {}))
        .await;
    let mut stream = opened.expect("a stream").into_inner();
    let mut records = Vec::new();
    loop {
        match stream.message().await {
            Ok(Some(record)) => records.push(record),
            Ok(None) => return (records, None),
            Err(status) => return (records, Some(status)),
        }
    }
}

pub fn is_end(record: &ExportRecord) -> bool {
    matches!(record.record, Some(Record::End(_)))
}

/// Reads an export over Connect: the messages, and the one that ends the stream.
pub async fn export_over_connect(rest: &Rest) -> (Vec<Value>, Value) {
    let request = rest.request(
        Method::POST,
        "/carshare.auth.export.v1.ExportService/ExportMyData",
    );
    let envelope = [&[0, 0, 0, 0, 2][..], b"{}"].concat();
    let request = request
        .header("content-type", "application/connect+json")
        .body(envelope);
    let body = request
        .send()
        .await
        .expect("a response")
        .bytes()
        .await
        .expect("a body");
    let (mut rest, mut messages) = (&body[..], Vec::new());
    while let Some((prefix, after)) = rest.split_first_chunk::<5>() {
        let [flags, length @ ..] = *prefix;
        let (message, after) = after.split_at(u32::from_be_bytes(length) as usize);
        let message: Value = serde_json::from_slice(message).expect("JSON");
        if flags == 2 {
            assert!(after.is_empty());
            return (messages, message);
        }
        messages.push(message);
        rest = after;
    }
    panic!("no end of the stream");
}
