//! Inbox of the messages that FCM has accepted, newest first, as JSON and as an HTML page.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;

use axum::Json;
use axum::extract::{Query, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::html::{self, escape};
use crate::kst;
use crate::state::App;

const KEPT: usize = 1_000;
const REFRESH_SECONDS: u32 = 2;

/// Message that FCM has accepted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Push {
    /// Last segment of the name in the reply.
    pub id: String,
    /// Time of acceptance, by the sandbox's clock.
    pub received_at: DateTime<Utc>,
    /// `token`, `topic`, `condition` or `fid`.
    pub target: String,
    /// Value of the target, usually a device's registration token.
    pub token: String,
    /// `notification.title` of the message.
    pub title: Option<String>,
    /// `notification.body` of the message.
    pub body: Option<String>,
    /// `data` of the message.
    pub data: BTreeMap<String, String>,
    /// Message as received.
    pub message: Value,
}

/// Accepted messages, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Inbox(VecDeque<Push>);

impl Inbox {
    pub(super) fn push(&mut self, push: Push) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(push);
    }

    /// Returns the kept messages, oldest first.
    pub(crate) fn list(&self) -> Vec<Push> {
        self.0.iter().cloned().collect()
    }

    fn newest_first(&self, token: Option<&str>) -> Vec<Push> {
        let wanted = |push: &&Push| token.is_none_or(|token| push.token == token);
        self.0.iter().rev().filter(wanted).cloned().collect()
    }
}

#[derive(Deserialize)]
pub(super) struct Filter {
    /// Registration token to filter by.
    token: Option<String>,
}

pub(super) async fn json(State(app): State<App>, Query(filter): Query<Filter>) -> Json<Vec<Push>> {
    Json(app.inbox().newest_first(filter.token.as_deref()))
}

pub(super) async fn page(State(app): State<App>, Query(filter): Query<Filter>) -> Response {
    let pushes = app.inbox().newest_first(filter.token.as_deref());
    let mut body = format!(
        r#"<h1>푸시 알림함</h1><p class="soft">Pushes the FCM sandbox accepted, newest first: {}. As data: <a href="inbox.json">inbox.json</a>.</p>"#,
        pushes.len()
    );
    if pushes.is_empty() {
        body.push_str(
            r#"<div class="card empty">아직 도착한 알림이 없습니다.<br>Nothing has arrived yet.</div>"#,
        );
    }
    for push in &pushes {
        card(&mut body, push);
    }
    html::page("FCM inbox", &body, Some(REFRESH_SECONDS))
}

fn card(out: &mut String, push: &Push) {
    let title = escape(push.title.as_deref().unwrap_or("(data only)"));
    let text = escape(push.body.as_deref().unwrap_or_default());
    let chips: String = push.data.iter().fold(String::new(), |mut chips, (key, value)| {
        let _ = write!(
            chips,
            r#"<span class="chip">{}: {}</span>"#,
            escape(key),
            escape(value)
        );
        chips
    });
    let time = kst::in_korea(push.received_at).format("%m-%d %H:%M:%S");
    let to = escape(&push.token);
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        r#"<article class="card"><h3>{title}</h3><p>{text}</p><div class="chips">{chips}</div><div class="meta"><span>📱 <code>{to}</code></span><span>{time} KST</span></div></article>"#
    );
}
