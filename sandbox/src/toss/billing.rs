//! Issue, charge and deletion of billing keys.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::cards::{self, Behaviour};
use super::error::Error;
use super::ledger::{BillingKey, Ledger};
use super::params;
use super::payment::{Fresh, Kind, Payment, Purchase, Record};
use super::webhook;
use crate::kst;
use crate::state::App;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Issue {
    auth_key: String,
    customer_key: String,
}

/// `POST /v1/billing/authorizations/issue`: an authKey is valid once, for the customer who registered the card.
pub(super) async fn issue(State(app): State<App>, body: Bytes) -> Result<Json<Value>, Error> {
    let request: Issue = params::parse(&body)?;
    params::check_customer_key(&request.customer_key)?;
    let fresh = Fresh::new(&app.environment);
    let billing_key = format!("bsbx_{}", fresh.token);
    let mut ledger = app.ledger();
    let card_number = use_authorization(&mut ledger, &request)?;
    let answer = json!({
        "mId": "tcarsharesbx",
        "customerKey": request.customer_key,
        "authenticatedAt": kst::seconds(fresh.now),
        "method": "카드",
        "billingKey": billing_key,
        "card": {
            "issuerCode": cards::issuer_code(&card_number),
            "acquirerCode": cards::issuer_code(&card_number),
            "number": cards::masked(&card_number),
            "cardType": "신용",
            "ownerType": "개인",
        },
        "transfers": null,
        "sandboxExtra": { "note": "clients must ignore fields they do not know" },
    });
    let key = BillingKey {
        customer_key: request.customer_key,
        card_number,
        removed: false,
    };
    ledger.billing_keys.insert(billing_key, key);
    Ok(Json(answer))
}

/// Marks the authorization as used and returns the card number.
fn use_authorization(ledger: &mut Ledger, request: &Issue) -> Result<String, Error> {
    let authorization = ledger
        .authorizations
        .get_mut(&request.auth_key)
        .filter(|found| !found.used);
    let authorization = authorization.ok_or(Error::new("INVALID_BILL_KEY_REQUEST"))?;
    if authorization.customer_key != request.customer_key {
        return Err(Error::new("NOT_MATCHES_CUSTOMER_KEY"));
    }
    authorization.used = true;
    match cards::behaviour(&authorization.card_number) {
        Some(Behaviour::FailsAtRegistration(code)) => Err(Error::new(code)),
        _ => Ok(authorization.card_number.clone()),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Charge {
    customer_key: String,
    #[serde(flatten)]
    purchase: Purchase,
}

/// `POST /v1/billing/{billingKey}`: captures at once or fails. Toss sends no webhook for a successful charge.
pub(super) async fn charge(
    State(app): State<App>,
    Path(billing_key): Path<String>,
    body: Bytes,
) -> Result<Json<Payment>, Error> {
    let request: Charge = params::parse(&body)?;
    let fresh = Fresh::new(&app.environment);
    let mut ledger = app.ledger();
    let card_number = card_of(&ledger, &billing_key, &request.customer_key)?;
    request.purchase.check()?;
    ledger.check_unused(&request.purchase)?;
    let mut record = Record::open(
        Kind::Billing,
        request.purchase,
        &card_number,
        &fresh,
        &app.public_url,
    );
    record.authenticate(fresh.now);
    let payment_key = record.payment.payment_key.clone();
    ledger.insert(record);
    ledger.charge(&payment_key, &fresh, &app.public_url).map(Json)
}

fn card_of(ledger: &Ledger, billing_key: &str, customer_key: &str) -> Result<String, Error> {
    let key = ledger
        .billing_keys
        .get(billing_key)
        .ok_or(Error::new("NOT_FOUND_BILLING"))?;
    if key.removed {
        return Err(Error::new("ALREADY_REMOVED_BILLING_KEY"));
    }
    if key.customer_key != customer_key {
        return Err(Error::new("NOT_MATCHES_CUSTOMER_KEY"));
    }
    Ok(key.card_number.clone())
}

/// `DELETE /v1/billing/{billingKey}`: replies 200 without a body and sends the webhook BILLING_DELETED.
pub(super) async fn delete(
    State(app): State<App>,
    Path(billing_key): Path<String>,
) -> Result<StatusCode, Error> {
    {
        let mut ledger = app.ledger();
        let key = ledger
            .billing_keys
            .get_mut(&billing_key)
            .ok_or(Error::new("NOT_FOUND_BILLING"))?;
        if key.removed {
            return Err(Error::new("ALREADY_REMOVED_BILLING_KEY"));
        }
        key.removed = true;
    }
    webhook::emit(&app, "BILLING_DELETED", json!({ "billingKey": billing_key }));
    Ok(StatusCode::OK)
}
