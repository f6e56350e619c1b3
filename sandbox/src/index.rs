//! The page at `/`: base URLs, links and test cards.

use std::fmt::Write as _;

use axum::extract::State;
use axum::response::Response;

use crate::html::{self, escape};
use crate::state::App;
use crate::toss::cards::{Behaviour, GOOD_CARD, MAGIC_CARDS};

const LINKS: [(&str, &str); 6] = [
    ("fcm/inbox", "accepted pushes"),
    ("fcm/service-account.json", "service account for clients"),
    ("toss/sandbox/payments", "payments"),
    ("toss/sandbox/webhooks", "webhooks, sent and pending"),
    ("sandbox/faults", "injected faults (POST to add, DELETE to clear)"),
    ("sandbox/requests", "requests to the providers"),
];

pub(crate) async fn page(State(app): State<App>) -> Response {
    let url = escape(&app.public_url);
    let mut body = format!(
        r#"<h1>carshare sandbox</h1><p class="soft">Toss Payments, Kakao Local and Firebase Cloud Messaging for development and tests. No money is moved.</p>
<h2>Base URLs</h2><table><tr><td>Toss</td><td><code>{url}/toss</code></td></tr><tr><td>Kakao</td><td><code>{url}/kakao</code></td></tr><tr><td>FCM</td><td><code>{url}/fcm</code></td></tr></table><h2>State</h2><table>"#
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
            Behaviour::ChargesThenFails(code) => format!("captures the money, then replies {code}"),
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
