//! Inbox of the accepted mails, newest first, as JSON and as an HTML page.

use std::collections::VecDeque;
use std::fmt::Write as _;

use axum::Json;
use axum::extract::{Query, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::message::Message;
use crate::html::{self, escape};
use crate::kst;
use crate::state::App;

const KEPT: usize = 1_000;
const REFRESH_SECONDS: u32 = 2;

/// Mail that the SMTP server has accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mail {
    /// Time of acceptance, by the sandbox's clock.
    pub received_at: DateTime<Utc>,
    /// Sender of the envelope.
    pub from: String,
    /// Recipient of the envelope. A mail for several is kept once for each.
    pub to: String,
    /// Header `Message-ID`, the same on each delivery of a mail.
    pub message_id: String,
    /// Header `Subject`, decoded.
    pub subject: String,
    /// Body, decoded.
    pub text: String,
}

/// Accepted mails, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Inbox(VecDeque<Mail>);

impl Inbox {
    pub(super) fn push(&mut self, received_at: DateTime<Utc>, from: &str, to: &str, message: &Message) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(Mail {
            received_at,
            from: from.to_owned(),
            to: to.to_owned(),
            message_id: message.header("message-id"),
            subject: message.header("subject"),
            text: message.text(),
        });
    }

    /// Returns the kept mails, oldest first.
    pub(crate) fn list(&self) -> Vec<Mail> {
        self.0.iter().cloned().collect()
    }

    fn newest_first(&self, to: Option<&str>) -> Vec<Mail> {
        let wanted = |mail: &&Mail| to.is_none_or(|to| mail.to.eq_ignore_ascii_case(to));
        self.0.iter().rev().filter(wanted).cloned().collect()
    }
}

#[derive(Deserialize)]
pub(super) struct Filter {
    /// Address to filter by.
    to: Option<String>,
}

pub(super) async fn json(State(app): State<App>, Query(filter): Query<Filter>) -> Json<Vec<Mail>> {
    Json(app.mails().newest_first(filter.to.as_deref()))
}

pub(super) async fn page(State(app): State<App>, Query(filter): Query<Filter>) -> Response {
    let mails = app.mails().newest_first(filter.to.as_deref());
    let mut body = format!(
        r#"<h1>메일함</h1><p class="soft">Mails the SMTP server accepted, newest first: {}. As data: <a href="inbox.json">inbox.json</a>.</p>"#,
        mails.len()
    );
    if mails.is_empty() {
        body.push_str(
            r#"<div class="card empty">아직 도착한 메일이 없습니다.<br>Nothing has arrived yet.</div>"#,
        );
    }
    for mail in &mails {
        card(&mut body, mail);
    }
    html::page("Mail inbox", &body, Some(REFRESH_SECONDS))
}

fn card(out: &mut String, mail: &Mail) {
    let (subject, to) = (escape(&mail.subject), escape(&mail.to));
    let text = escape(&mail.text).replace('\n', "<br>");
    let time = kst::in_korea(mail.received_at).format("%m-%d %H:%M:%S");
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        r#"<article class="card"><h3>{subject}</h3><p>{text}</p><div class="meta"><span>✉ <code>{to}</code></span><span>{time} KST</span></div></article>"#
    );
}
