//! `ExportMyData` without the other services. The export of all of them is tested end to end.

use carshare_proto::auth::export::v1::ExportMyDataRequest;
use carshare_proto::auth::export::v1::export_record::Record;
use tonic::{Code, Request};

use crate::harness::*;

const EMAIL: &str = "minji@example.com";

#[tokio::test]
async fn export_my_data_without_the_other_services_ends_as_unavailable_and_not_complete() {
    let auth = Auth::start().await;
    auth.register("seojun@example.com").await;
    let session = auth.register(EMAIL).await;
    let request = bearer(ExportMyDataRequest {}, &session.access_token);
    let mut export = auth.exports().export_my_data(request).await.unwrap().into_inner();
    let mut records = Vec::new();
    let error = loop {
        match export.message().await {
            Ok(record) => records.push(record.unwrap().record.unwrap()),
            Err(error) => break error,
        }
    };
    assert_eq!(error.code(), Code::Unavailable);
    let [
        Record::Account(account),
        Record::Session(only),
        Record::SecurityEvent(registered),
    ] = &*records
    else {
        panic!("{records:?}")
    };
    assert_eq!(account, &auth.me(&session.access_token).await.unwrap());
    assert_eq!(only.id, session_id(&session.access_token));
    assert_eq!(registered.action, "register");
    auth.finish().await;
}

#[tokio::test]
async fn export_my_data_without_a_valid_token_is_refused() {
    let auth = Auth::start().await;
    let session = auth.register(EMAIL).await;
    let anonymous = Request::new(ExportMyDataRequest {});
    let anonymous = auth.exports().export_my_data(anonymous).await.map(drop);
    assert_error(anonymous, Code::Unauthenticated, "UNAUTHENTICATED", "AUTH001");
    auth.logout(&session.access_token).await.unwrap();
    let revoked = bearer(ExportMyDataRequest {}, &session.access_token);
    let revoked = auth.exports().export_my_data(revoked).await.map(drop);
    assert_error(revoked, Code::Unauthenticated, "TOKEN_REVOKED", "AUTH004");
    auth.finish().await;
}
