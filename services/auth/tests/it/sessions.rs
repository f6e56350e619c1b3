//! `ListSessions`, `EndSession`, `EndOtherSessions` and the lifetimes of sessions.

use std::time::Duration;

use carshare_proto::auth::v1::*;
use carshare_service_testkit::{into_message, with_idempotency_key, with_metadata};
use tonic::{Code, Request, Status};

use crate::harness::*;

const EMAIL: &str = "minji@example.com";
const DAY: Duration = Duration::from_hours(24);

impl Auth {
    async fn sessions(&self, access_token: &str) -> Vec<Session> {
        let request = bearer(ListSessionsRequest::default(), access_token);
        let listed = into_message(self.accounts().list_sessions(request).await);
        listed.unwrap().sessions
    }

    async fn end_session(&self, request: Request<EndSessionRequest>) -> Result<EndSessionResponse, Status> {
        into_message(self.accounts().end_session(request).await)
    }
}

fn end(session_id: &str, access_token: &str) -> Request<EndSessionRequest> {
    let request = EndSessionRequest {
        session_id: session_id.into(),
    };
    bearer(request, access_token)
}

#[track_caller]
fn assert_not_found(result: Result<EndSessionResponse, Status>) {
    assert_error(result, Code::NotFound, "SESSION_NOT_FOUND", "AUTH021");
}

#[tokio::test]
async fn list_sessions_shows_the_live_ones_of_the_caller_with_their_clients() {
    let auth = Auth::start().await;
    let first = auth.register(EMAIL).await;
    auth.register("seojun@example.com").await;
    auth.replica.clock.advance(Duration::from_mins(1));
    let login = LoginRequest {
        email: EMAIL.into(),
        password: PASSWORD.into(),
        mfa_code: None,
    };
    let login = with_metadata(
        from_address(login, "203.0.113.7"),
        "user-agent",
        "carshare-ios/3.1",
    );
    let second = into_message(auth.client().login(login).await).unwrap();
    let third = auth.login(EMAIL).await;
    auth.logout(&third.access_token).await.unwrap();
    auth.replica.clock.advance(Duration::from_mins(1));
    let refresh = RefreshRequest {
        refresh_token: first.refresh_token.clone(),
    };
    let refresh = from_address(refresh, "2001:db8:1:2::");
    let refreshed = into_message(auth.client().refresh(refresh).await).unwrap();

    let [newer, older] = auth.sessions(&refreshed.access_token).await.try_into().unwrap();
    assert_eq!(newer.id, session_id(&second.access_token));
    assert_eq!(newer.user_agent.as_deref(), Some("carshare-ios/3.1"));
    assert_eq!(newer.client_address.as_deref(), Some("203.0.113.7"));
    assert!(!newer.current);
    assert_eq!(older.id, session_id(&first.access_token));
    assert_eq!(older.client_address.as_deref(), Some("2001:db8:1:2::"));
    assert!(older.current);
    let seconds = |time: Option<prost_types::Timestamp>| time.unwrap().seconds;
    assert_eq!(seconds(older.last_used_at) - seconds(older.created_at), 120);
    assert_eq!(
        seconds(older.expires_at) - seconds(older.last_used_at),
        30 * 86_400
    );
    auth.finish().await;
}

#[tokio::test]
async fn list_sessions_is_paged_and_refuses_foreign_page_tokens() {
    let auth = Auth::start().await;
    let mut last = auth.register(EMAIL).await;
    for _ in 0..2 {
        auth.replica.clock.advance(Duration::from_secs(1));
        last = auth.login(EMAIL).await;
    }
    let page = async |token: &str| {
        let request = ListSessionsRequest {
            page_size: 2,
            page_token: token.into(),
            include_total: true,
        };
        into_message(
            auth.accounts()
                .list_sessions(bearer(request, &last.access_token))
                .await,
        )
    };
    let first = page("").await.unwrap();
    assert_eq!((first.sessions.len(), first.total_size), (2, Some(3)));
    let second = page(&first.next_page_token).await.unwrap();
    assert_eq!((second.sessions.len(), second.next_page_token.as_str()), (1, ""));
    assert!(second.sessions[0].id < first.sessions[1].id);
    assert_error(
        page("nonsense").await,
        Code::InvalidArgument,
        "INVALID_ARGUMENT",
        "COMMON001",
    );
    let anonymous = auth
        .accounts()
        .list_sessions(ListSessionsRequest::default())
        .await;
    assert_error(anonymous, Code::Unauthenticated, "UNAUTHENTICATED", "AUTH001");
    auth.finish().await;
}

#[tokio::test]
async fn end_session_ends_one_session_of_the_caller() {
    let auth = Auth::start().await;
    let lost = auth.register(EMAIL).await;
    let here = auth.login(EMAIL).await;
    let lost_id = session_id(&lost.access_token);
    auth.end_session(end(&lost_id, &here.access_token)).await.unwrap();

    assert_error(
        auth.me(&lost.access_token).await,
        Code::Unauthenticated,
        "TOKEN_REVOKED",
        "AUTH004",
    );
    let ended = auth.refresh(&lost.refresh_token).await;
    assert_error(ended, Code::Unauthenticated, "INVALID_REFRESH_TOKEN", "AUTH012");
    auth.me(&here.access_token).await.unwrap();
    assert_eq!(auth.ended_sessions().await, std::slice::from_ref(&lost_id));
    assert_not_found(auth.end_session(end(&lost_id, &here.access_token)).await);
    assert_eq!(auth.ended_sessions().await.len(), 1);
    auth.finish().await;
}

#[tokio::test]
async fn session_of_another_user_is_not_found_and_stays() {
    let auth = Auth::start().await;
    let owner = auth.register(EMAIL).await;
    let other = auth.register("seojun@example.com").await;
    let id = session_id(&owner.access_token);
    assert_not_found(auth.end_session(end(&id, &other.access_token)).await);
    let unknown = "018f0000-0000-7000-8000-000000000000";
    assert_not_found(auth.end_session(end(unknown, &other.access_token)).await);
    let invalid = auth.end_session(end("1", &other.access_token)).await;
    assert_error(invalid, Code::InvalidArgument, "INVALID_ARGUMENT", "COMMON001");
    auth.me(&owner.access_token).await.unwrap();
    auth.finish().await;
}

#[tokio::test]
async fn repeated_end_with_the_same_key_succeeds() {
    let auth = Auth::start().await;
    let lost = auth.register(EMAIL).await;
    let here = auth.login(EMAIL).await;
    for _ in 0..2 {
        let request = end(&session_id(&lost.access_token), &here.access_token);
        auth.end_session(with_idempotency_key(request, "k1"))
            .await
            .unwrap();
    }
    assert_eq!(auth.ended_sessions().await.len(), 1);
    auth.finish().await;
}

#[tokio::test]
async fn end_other_sessions_keeps_the_one_of_the_access_token() {
    let auth = Auth::start().await;
    let first = auth.register(EMAIL).await;
    let second = auth.login(EMAIL).await;
    let here = auth.login(EMAIL).await;
    let other = auth.register("seojun@example.com").await;
    let end_others = async || {
        let request = bearer(EndOtherSessionsRequest {}, &here.access_token);
        into_message(auth.accounts().end_other_sessions(request).await).unwrap()
    };
    assert_eq!(end_others().await.ended_count, 2);
    assert_eq!(end_others().await.ended_count, 0);
    for ended in [&first, &second] {
        assert_error(
            auth.me(&ended.access_token).await,
            Code::Unauthenticated,
            "TOKEN_REVOKED",
            "AUTH004",
        );
    }
    auth.me(&here.access_token).await.unwrap();
    auth.me(&other.access_token).await.unwrap();
    auth.refresh(&here.refresh_token).await.unwrap();
    auth.finish().await;
}

#[tokio::test]
async fn session_ends_ninety_days_after_the_login_however_often_it_is_refreshed() {
    let auth = Auth::start().await;
    let mut tokens = auth.register(EMAIL).await;
    let begin = claims(&tokens.access_token)["iat"].as_i64().unwrap();
    for _ in 0..3 {
        auth.replica.clock.advance(25 * DAY);
        tokens = auth.refresh(&tokens.refresh_token).await.unwrap();
    }
    auth.replica.clock.advance(Duration::from_mins(15 * 24 * 60 - 5));
    tokens = auth.refresh(&tokens.refresh_token).await.unwrap();
    // Neither token outlives the session.
    let expires = claims(&tokens.access_token)["exp"].as_i64().unwrap();
    assert_eq!((expires - begin, tokens.expires_in), (90 * 86_400, 300));
    auth.replica.clock.advance(Duration::from_mins(5));
    let expired = auth.refresh(&tokens.refresh_token).await;
    assert_error(expired, Code::Unauthenticated, "INVALID_REFRESH_TOKEN", "AUTH012");
    assert_error(
        auth.me(&tokens.access_token).await,
        Code::Unauthenticated,
        "TOKEN_EXPIRED",
        "AUTH002",
    );
    auth.finish().await;
}
