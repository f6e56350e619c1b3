//! Endpoints that Toss does not have: calls in place of the two browser windows, and lists for tests. They need no API key,
//! as the windows do not.

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::cards;
use super::error::Error;
use super::ledger::Authorization;
use super::params;
use super::payment::{Fresh, Kind, Payment, Purchase, Record};
use super::webhook::Delivery;
use crate::state::App;

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/sandbox/cards", post(register_card))
        .route("/sandbox/checkout", post(checkout))
        .route("/sandbox/payments", get(payments))
        .route("/sandbox/webhooks", get(webhooks))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RegisterCard {
    customer_key: String,
    card_number: String,
}

/// Registers a card, as the guest does in the window, and returns the `authKey` of the redirect. Further card fields are
/// ignored.
async fn register_card(State(app): State<App>, body: Bytes) -> Result<Response, Error> {
    let request: RegisterCard = params::parse(&body)?;
    let card_number = cards::digits(&request.card_number).ok_or(Error::new("INVALID_CARD_NUMBER"))?;
    let auth_key = authorize(&app, request.customer_key.clone(), card_number)?;
    let answer = json!({ "authKey": auth_key, "customerKey": request.customer_key });
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// Stores the card of a customer until its billing key is issued, and returns the `authKey` for that.
pub(super) fn authorize(app: &App, customer_key: String, card_number: String) -> Result<String, Error> {
    params::check_customer_key(&customer_key)?;
    let auth_key = format!("asbx_{}", Fresh::new(&app.environment).token);
    let authorization = Authorization {
        customer_key,
        card_number,
        used: false,
    };
    app.ledger()
        .authorizations
        .insert(auth_key.clone(), authorization);
    Ok(auth_key)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Checkout {
    #[serde(flatten)]
    purchase: Purchase,
    card_number: Option<String>,
    /// `false` leaves the payment READY, as if the guest had only opened the window.
    #[serde(default = "yes")]
    authenticate: bool,
}

const fn yes() -> bool {
    true
}

/// Authenticates a payment, as the guest does in the window, and returns the `paymentKey` of the redirect. The shop has ten
/// minutes to confirm it.
async fn checkout(State(app): State<App>, body: Bytes) -> Result<Response, Error> {
    let request: Checkout = params::parse(&body)?;
    request.purchase.check()?;
    let card_number = request.card_number.as_deref().unwrap_or(cards::GOOD_CARD);
    let card_number = cards::digits(card_number).ok_or(Error::new("INVALID_CARD_NUMBER"))?;
    let fresh = Fresh::new(&app.environment);
    let mut ledger = app.ledger();
    ledger.check_unused(&request.purchase)?;
    let mut record = Record::open(
        Kind::Normal,
        request.purchase,
        &card_number,
        &fresh,
        &app.public_url,
    );
    if request.authenticate {
        record.authenticate(fresh.now);
    }
    let payment = &record.payment;
    let answer = json!({
        "paymentKey": payment.payment_key,
        "orderId": payment.order_id,
        "amount": payment.total_amount,
        "status": payment.status,
    });
    ledger.insert(record);
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Filter {
    order_id: Option<String>,
}

/// Lists payments, oldest first; with `?orderId=` those of one order.
async fn payments(State(app): State<App>, Query(filter): Query<Filter>) -> Json<Vec<Payment>> {
    let mut payments = app.ledger().payments();
    payments.retain(|payment| {
        filter
            .order_id
            .as_ref()
            .is_none_or(|order_id| payment.order_id == *order_id)
    });
    Json(payments)
}

async fn webhooks(State(app): State<App>) -> Json<Value> {
    let deliveries: Vec<Delivery> = app.webhooks.deliveries();
    Json(json!(deliveries))
}
