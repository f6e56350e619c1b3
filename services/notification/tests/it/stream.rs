//! `Subscribe`: live delivery, resumption, heartbeats and ends of streams.

use std::time::Duration;

use carshare_proto::notification::v1 as pb;
use carshare_proto::notification::v1::subscribe_response::Event;
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::harness::{Harness, TIMEOUT, harness};

const HOST: Uuid = Uuid::from_u128(0xB0);

async fn subscribe(harness: &Harness, cursor: &str) -> Result<Streaming<pb::SubscribeResponse>, Status> {
    let request = harness.as_user(
        HOST,
        pb::SubscribeRequest {
            cursor: cursor.into(),
        },
    );
    Ok(harness.rpc.clone().subscribe(request).await?.into_inner())
}

async fn next(stream: &mut Streaming<pb::SubscribeResponse>) -> Result<(String, Event), Status> {
    let message = tokio::time::timeout(TIMEOUT, stream.message())
        .await
        .expect("a message in time")?;
    let message = message.expect("the stream is open");
    Ok((message.cursor, message.event.expect("an event")))
}

/// Returns the cursor and the booking id of the next notification.
async fn next_booking(stream: &mut Streaming<pb::SubscribeResponse>) -> (String, String) {
    loop {
        if let (cursor, Event::Notification(n)) = next(stream).await.expect("a message") {
            return (cursor, n.data["booking_id"].clone());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stream_is_live_and_resumes_at_the_cursor_without_loss_or_repetition() {
    let harness = harness().await;
    let mut stream = subscribe(&harness, "").await.expect("a stream");
    assert!(matches!(next(&mut stream).await, Ok((cursor, Event::Heartbeat(_))) if cursor == "0"));
    let first = harness.request_booking(HOST).await.to_string();
    let (cursor, seen) = next_booking(&mut stream).await;
    assert_eq!((cursor.as_str(), seen), ("1", first));
    drop(stream);

    let mut missed = Vec::new();
    for count in 2..=4 {
        missed.push(harness.request_booking(HOST).await.to_string());
        harness.list_when(HOST, count).await;
    }
    let mut resumed = subscribe(&harness, &cursor).await.expect("a stream");
    let mut seen = Vec::new();
    while seen.len() < 3 {
        seen.push(next_booking(&mut resumed).await.1);
    }
    assert_eq!(seen, missed);
    let live = harness.request_booking(HOST).await.to_string();
    assert_eq!(next_booking(&mut resumed).await, ("5".to_owned(), live));
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_cursor_is_rejected() {
    let harness = harness().await;
    for cursor in ["1", "-1", "x"] {
        let error = match subscribe(&harness, cursor).await {
            Err(error) => error,
            Ok(mut stream) => stream.message().await.expect_err("an error"),
        };
        let info = error.get_details_error_info().expect("an ErrorInfo");
        assert_eq!(
            (error.code(), info.metadata["code"].as_str()),
            (Code::InvalidArgument, "NOTIFICATION002")
        );
    }
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_stream_sends_heartbeats_and_ends_when_the_token_expires() {
    let harness = harness().await;
    let mut stream = subscribe(&harness, "").await.expect("a stream");
    assert!(matches!(next(&mut stream).await, Ok((_, Event::Heartbeat(_)))));
    // The clock advances until the token of fifteen minutes has expired.
    let mut beats = 0;
    let ended = loop {
        harness.clock.advance(Duration::from_secs(15));
        match tokio::time::timeout(Duration::from_millis(200), stream.message()).await {
            Ok(Ok(Some(beat))) => {
                assert!(matches!(beat.event, Some(Event::Heartbeat(_))));
                beats += 1;
            }
            Ok(Ok(None)) => panic!("the stream ended without a status"),
            Ok(Err(status)) => break status,
            // The clock was advanced before the stream began to wait.
            Err(_) => {}
        }
    };
    assert!((1..=60).contains(&beats), "{beats} heartbeats");
    let info = ended.get_details_error_info().expect("an ErrorInfo");
    assert_eq!(
        (ended.code(), info.metadata["code"].as_str()),
        (Code::Unauthenticated, "AUTH002")
    );
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_ends_the_stream_as_unavailable() {
    let harness = harness().await;
    let mut stream = subscribe(&harness, "").await.expect("a stream");
    assert!(next(&mut stream).await.is_ok());
    harness.stop().await;
    let ended = stream.message().await.expect_err("drained");
    assert_eq!(ended.code(), Code::Unavailable);
}
