//! `ListSecurityEvents`.

use carshare_proto::auth::v1::*;
use carshare_service_testkit::{into_message, with_metadata};
use tonic::{Code, Status};

use crate::harness::*;

const EMAIL: &str = "minji@example.com";

impl Auth {
    async fn security_events(
        &self,
        access_token: &str,
        page_size: i32,
        page_token: &str,
    ) -> Result<ListSecurityEventsResponse, Status> {
        let request = ListSecurityEventsRequest {
            page_size,
            page_token: page_token.into(),
        };
        let request = bearer(request, access_token);
        into_message(self.accounts().list_security_events(request).await)
    }

    async fn login_from(&self, address: &str, password: &str) -> Result<AuthResponse, Status> {
        let request = LoginRequest {
            email: EMAIL.into(),
            password: password.into(),
            mfa_code: None,
        };
        let request = with_metadata(from_address(request, address), "user-agent", "carshare-ios/3.1");
        into_message(self.client().login(request).await)
    }
}

fn described(event: &SecurityEvent) -> (&str, SecurityOutcome, Option<&str>, Option<&str>) {
    let (reason, address) = (event.reason.as_deref(), event.client_address.as_deref());
    (&event.action, event.outcome(), reason, address)
}

#[tokio::test]
async fn list_security_events_shows_those_of_the_caller_newest_first() {
    use SecurityOutcome::{Failure, Success};
    let auth = Auth::start().await;
    auth.register(EMAIL).await;
    auth.register("seojun@example.com").await;
    auth.login_from("203.0.113.9", "wrong horse 11")
        .await
        .unwrap_err();
    let session = auth.login_from("203.0.113.7", PASSWORD).await.unwrap();
    let other = auth.login(EMAIL).await;
    auth.logout(&other.access_token).await.unwrap();

    let listed = auth.security_events(&session.access_token, 0, "").await.unwrap();
    let events: Vec<_> = listed.security_events.iter().map(described).collect();
    assert_eq!(
        events,
        [
            ("session_end", Success, Some("logout"), None),
            ("login", Success, None, None),
            ("login", Success, None, Some("203.0.113.7")),
            ("login", Failure, Some("wrong_password"), Some("203.0.113.9")),
            ("register", Success, None, None),
        ]
    );
    let login = &listed.security_events[2];
    assert_eq!(login.user_agent.as_deref(), Some("carshare-ios/3.1"));
    assert!(!login.by_admin && login.occurred_at.is_some());
    let ended = &listed.security_events[0];
    assert_eq!(ended.session_id, Some(session_id(&other.access_token)));
    assert_eq!(listed.next_page_token, "");
    auth.finish().await;
}

#[tokio::test]
async fn list_security_events_is_paged_without_gaps_and_refuses_a_foreign_token() {
    let auth = Auth::start().await;
    let session = auth.register(EMAIL).await;
    // The clock stands still, so that ids alone order the events.
    for _ in 0..4 {
        auth.login(EMAIL).await;
    }
    let token = &session.access_token;
    let all = auth.security_events(token, 0, "").await.unwrap().security_events;
    assert_eq!(all.len(), 5);
    let (mut paged, mut page_token) = (Vec::new(), String::new());
    loop {
        let page = auth.security_events(token, 2, &page_token).await.unwrap();
        paged.extend(page.security_events);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(paged, all);
    let request = bearer(
        ListSessionsRequest {
            page_size: 1,
            ..Default::default()
        },
        token,
    );
    let sessions = into_message(auth.accounts().list_sessions(request).await).unwrap();
    for (size, page_token) in [(1, "x"), (1, &*sessions.next_page_token), (201, "")] {
        let error = auth.security_events(token, size, page_token).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument, "{size} {page_token:?}");
    }
    auth.finish().await;
}

#[tokio::test]
async fn act_of_an_admin_is_shown_without_their_words_and_address() {
    let auth = Auth::start().await;
    auth.register(EMAIL).await;
    let admin = auth.register("ops@carshare.kr").await;
    for statement in [
        "INSERT INTO audit_events (id, occurred_at, action, outcome, reason, user_id, actor_id, client_address, user_agent, \
             correlation_id, before, after)
         SELECT gen_random_uuid(), now() + interval '1 day', 'account_enable', 'success', 'ticket 4711', id,
             (SELECT id FROM users WHERE email = 'ops@carshare.kr'), '198.51.100.1', 'ops-console', 'c', '{}', '{}'
         FROM users WHERE email = 'minji@example.com'",
        "INSERT INTO audit_events (id, occurred_at, action, outcome, reason, user_id, client_address, user_agent, correlation_id)
         SELECT gen_random_uuid(), now() + interval '2 days', 'session_end', 'success', 'account_disabled', id,
             '198.51.100.1', 'ops-console', 'c'
         FROM users WHERE email = 'minji@example.com'",
    ] {
        sqlx::query(statement).execute(&auth.sql).await.unwrap();
    }
    let session = auth.login(EMAIL).await;
    let listed = auth.security_events(&session.access_token, 2, "").await.unwrap();
    let [ended, enabled] = listed.security_events.try_into().unwrap();
    assert_eq!(
        (&*enabled.action, enabled.by_admin, enabled.reason),
        ("account_enable", true, None)
    );
    assert_eq!(
        (&*ended.action, ended.by_admin, ended.reason.as_deref()),
        ("session_end", true, Some("account_disabled"))
    );
    for client in [
        enabled.client_address,
        enabled.user_agent,
        ended.client_address,
        ended.user_agent,
    ] {
        assert_eq!(client, None);
    }
    let of_admin = auth.security_events(&admin.access_token, 0, "").await.unwrap();
    assert_eq!(of_admin.security_events.len(), 1);
    auth.finish().await;
}
