//! The page at `/`: base URLs, links and test cards.

use std::fmt::Write as _;

use axum::extract::State;
use axum::response::Response;

use crate::html::{self, escape};
use crate::state::App;
use crate::toss::cards::{GOOD_CARD, MAGIC_CARDS};
use crate::toss::pages::behaviour;

const LINKS: [(&str, &str); 10] = [
    ("fcm/inbox", "accepted pushes"),
    ("mail/inbox", "accepted mails"),
    ("fcm/service-account.json", "service account for clients"),
    ("payments", "payments"),
    ("cards", "register a test card"),
    ("faults", "let a provider fail, by button"),
    ("clock", "advance the time of the mesh"),
    ("toss/sandbox/webhooks", "webhooks, sent and pending"),
    (
        "sandbox/faults",
        "injected faults as JSON (POST to add, DELETE to clear)",
    ),
    ("sandbox/requests", "requests to the providers"),
];

pub(crate) async fn page(State(app): State<App>) -> Response {
    let (url, smtp) = (escape(&app.public_url), app.smtp_addr);
    let mut body = format!(
        r#"<h1>carshare sandbox</h1><p class="soft">Toss Payments, Kakao Local, Firebase Cloud Messaging and SMTP for development and tests. No money is moved.</p>
<h2>Base URLs</h2><table><tr><td>Toss</td><td><code>{url}/toss</code></td></tr><tr><td>Kakao</td><td><code>{url}/kakao</code></td></tr><tr><td>FCM</td><td><code>{url}/fcm</code></td></tr><tr><td>SMTP</td><td><code>{smtp}</code></td></tr></table><h2>State</h2><table>"#
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
        let text = behaviour(card.behaviour);
        let _ = write!(
            body,
            "<tr><td><code>{}</code></td><td>{text}</td></tr>",
            card.number
        );
    }
    body.push_str("</table>");
    html::page("carshare sandbox", &body, None)
}
