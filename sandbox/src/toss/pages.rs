//! `/payments`: the payments as a table; `/cards`: registers a test card, as the guest does in Toss's window.

use std::fmt::Write as _;

use axum::Router;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;

use super::cards::{self, Behaviour, GOOD_CARD, MAGIC_CARDS};
use super::payment::Payment;
use super::sandbox_api;
use crate::html::{self, escape};
use crate::state::App;

/// Interval in which the browser loads the payments again.
const REFRESH_SECONDS: u32 = 5;

pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/payments", get(payments))
        .route("/cards", get(form).post(register))
}

async fn payments(State(app): State<App>) -> Response {
    let payments = app.ledger().payments();
    let mut body = String::from(
        r#"<p><a href="/">Sandbox</a></p><h1>Payments</h1><p class="soft">Newest first. As JSON: <a href="/toss/sandbox/payments">/toss/sandbox/payments</a>, webhooks: <a href="/toss/sandbox/webhooks">/toss/sandbox/webhooks</a></p>"#,
    );
    if payments.is_empty() {
        body.push_str(r#"<p class="empty">No payments yet.</p>"#);
    } else {
        body.push_str(
            "<table><tr><th>Time</th><th>Order</th><th>Amount</th><th>Left</th><th>Status</th></tr>",
        );
        for payment in payments.iter().rev() {
            body.push_str(&row(payment));
        }
        body.push_str("</table>");
    }
    html::page("Payments", &body, Some(REFRESH_SECONDS))
}

fn row(payment: &Payment) -> String {
    format!(
        "<tr><td>{}</td><td>{}<br><code class=\"soft\">{}</code></td><td>₩{}</td><td>₩{}</td><td>{:?}</td></tr>",
        payment.requested_at.format("%m-%d %H:%M:%S"),
        escape(&payment.order_name),
        escape(&payment.order_id),
        grouped(payment.total_amount),
        grouped(payment.balance_amount),
        payment.status,
    )
}

/// Formats won with a comma at every third digit.
fn grouped(won: i64) -> String {
    let digits = won.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Returns what a card does.
pub(crate) fn behaviour(behaviour: Behaviour) -> String {
    match behaviour {
        Behaviour::Declines(code) => format!("declines: {code}"),
        Behaviour::DeclinesOnce(code) => format!("declines once: {code}, then approves"),
        Behaviour::ChargesThenFails(code) => format!("captures the money, then replies {code}"),
        Behaviour::FailsAtRegistration(code) => format!("cannot be registered: {code}"),
    }
}

async fn form() -> Response {
    let mut body = String::from(
        r#"<p><a href="/">Sandbox</a></p><h1>Register a card</h1><p class="soft">In place of Toss's window. The customer key is that of <code>GET /v1/payments/customer</code>; the result goes to <code>POST /v1/payments/methods</code>.</p><form method="post" action="/cards"><p><label>Customer key <input name="customer_key" required></label></p><p class="chips">"#,
    );
    let good = (GOOD_CARD, "approved".to_owned());
    let magic = MAGIC_CARDS.map(|card| (card.number, behaviour(card.behaviour)));
    for (number, text) in std::iter::once(good).chain(magic) {
        let _ = write!(
            body,
            r#"<button name="card_number" value="{number}">{number}<br><small>{text}</small></button>"#
        );
    }
    body.push_str("</p></form>");
    html::page("Register a card", &body, None)
}

#[derive(Deserialize)]
struct Choice {
    customer_key: String,
    card_number: String,
}

async fn register(State(app): State<App>, Form(choice): Form<Choice>) -> Response {
    let Some(card_number) = cards::digits(&choice.card_number) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    match sandbox_api::authorize(&app, choice.customer_key, card_number) {
        Ok(auth_key) => {
            let body = format!(
                r#"<p><a href="/cards">Register another card</a></p><h1>Card registered</h1><p>Send this as the guest:</p><pre><code>POST /v1/payments/methods
{{"auth_key": "{}"}}</code></pre>"#,
                escape(&auth_key)
            );
            html::page("Card registered", &body, None)
        }
        Err(error) => error.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn amounts_are_grouped_by_three_digits() {
        let table = [
            (0, "0"),
            (999, "999"),
            (48_000, "48,000"),
            (1_234_567, "1,234,567"),
        ];
        for (won, text) in table {
            assert_eq!(grouped(won), text);
        }
    }
}
