//! The page at `/`: what is here and how to use it.

use std::fmt::Write as _;

use axum::extract::State;
use axum::response::Response;

use crate::html::{self, escape};
use crate::state::App;
use crate::toss::cards::{Behaviour, GOOD_CARD, MAGIC_CARDS};

const LINKS: [(&str, &str); 6] = [
    ("fcm/inbox", "pushes that arrived on the phones"),
    (
        "fcm/service-account.json",
        "the service account clients are configured with",
    ),
    ("toss/sandbox/payments", "all payments"),
    ("toss/sandbox/webhooks", "webhooks sent and waiting"),
    (
        "sandbox/faults",
        "fault switches that are set (POST to set, DELETE to clear)",
    ),
    ("sandbox/requests", "requests that reached the providers"),
];

pub(crate) async fn page(State(app): State<App>) -> Response {
    let url = escape(&app.public_url);
    let mut body = format!(
        r#"<h1>carshare sandbox</h1><p class="soft">Toss Payments, Kakao Local and Firebase Cloud Messaging as real servers for development and tests. No money moves here.</p>
<h2>Base URLs</h2><table><tr><td>Toss</td><td><code>{url}/toss</code></td></tr><tr><td>Kakao</td><td><code>{url}/kakao</code></td></tr><tr><td>FCM</td><td><code>{url}/fcm</code></td></tr></table><h2>Look inside</h2><table>"#
    );
    // Writing to a string cannot fail.
    for (link, text) in LINKS {
        let _ = write!(
            body,
            r#"<tr><td><a href="{link}">/{link}</a></td><td>{text}</td></tr>"#
        );
    }
    let _ = write!(
        body,
        "</table><h2>Cards</h2><table><tr><td><code>{GOOD_CARD}</code></td><td>approved, as is any number not listed here</td></tr>"
    );
    for card in MAGIC_CARDS {
        let text = match card.behaviour {
            Behaviour::Declines(code) => format!("declines: {code}"),
            Behaviour::DeclinesOnce(code) => format!("declines once: {code}, then approves"),
            Behaviour::ChargesThenFails(code) => format!("takes the money, then answers {code}"),
            Behaviour::FailsAtRegistration(code) => format!("cannot be registered: {code}"),
        };
        let _ = write!(
            body,
            "<tr><td><code>{}</code></td><td>{text}</td></tr>",
            card.number
        );
    }
    body.push_str("</table>");
    html::page("carshare sandbox", &body, None)
}
