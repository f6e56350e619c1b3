//! Demo data, created by REST calls.
//!
//! Loading is idempotent: existing accounts are signed in to, and cars are created under an Idempotency-Key.

mod admin;
mod claims;
mod client;
mod payout;
mod photo;
mod rental;
mod seed;

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

pub use admin::{complete as complete_admin, create as create_admin};
use client::Client;
pub use rental::play as play_rental;
use seed::Car;
pub use seed::{ADMIN, ADMIN_TOTP_SECRET, GUESTS, HOSTS, PASSWORD, Person};

/// Creates three hosts with twelve cars and two guests with a card each. `objects` is the address of the object storage for this
/// process, if the URLs of uploads lead only other clients to it.
pub async fn load(gateway: &str, sandbox: &str, objects: Option<SocketAddr>) -> Result<()> {
    let client = Client::new(gateway, objects)?;
    for host in &HOSTS {
        let token = sign_up(&client, host, "host").await?;
        for car in seed::CARS.iter().filter(|car| car.host == host.email) {
            register_car(&client, &token, car)
                .await
                .with_context(|| format!("car {}", car.plate))?;
        }
    }
    for guest in &GUESTS {
        let token = sign_up(&client, guest, "guest").await?;
        register_card(&client, sandbox, &token)
            .await
            .with_context(|| format!("card of {}", guest.email))?;
    }
    Ok(())
}

/// Signs in, or registers the account if that fails; returns an access token.
///
/// A registration of an address that has an account would create another one.
async fn sign_up(client: &Client, person: &Person, role: &str) -> Result<String> {
    if let Ok(token) = sign_in(client, person).await {
        return Ok(token);
    }
    let account = json!({
        "email": person.email, "password": PASSWORD, "name": person.name, "phone": person.phone, "role": role,
    });
    token(&client.post_to(&client.url("/v1/auth/register"), &account).await?)
}

/// Signs in to a demo account and returns an access token.
async fn sign_in(client: &Client, person: &Person) -> Result<String> {
    let credentials = json!({ "email": person.email, "password": PASSWORD });
    token(
        &client
            .post_to(&client.url("/v1/auth/login"), &credentials)
            .await?,
    )
}

fn token(session: &Value) -> Result<String> {
    let token = session["access_token"]
        .as_str()
        .context("a session without a token")?;
    Ok(token.to_owned())
}

async fn register_car(client: &Client, token: &str, car: &Car) -> Result<()> {
    let made = client
        .create(
            "/v1/vehicles",
            token,
            &format!("demo-{}", car.key),
            &json!({
                "license_plate": car.plate, "make": car.make, "model": car.model, "year": car.year,
                "color": car.color, "fuel_type": car.fuel, "transmission": "automatic",
                "hourly_rate": car.hourly_rate_krw, "location_address": car.address, "description": car.description,
            }),
        )
        .await?;
    let id = made["id"].as_str().context("a car without an id")?;
    let photo = photo::draw(car.paint)?;
    let announced = json!({ "content_type": "image/png", "size_bytes": photo.len() });
    let upload = client
        .post(&format!("/v1/vehicles/{id}/images"), token, &announced)
        .await?;
    client.upload(&upload, photo).await?;
    let image_id = upload["image_id"].as_str().context("an upload without an id")?;
    client
        .put(
            &format!("/v1/vehicles/{id}/images/{image_id}/complete"),
            token,
            &json!({}),
        )
        .await?;
    Ok(())
}

async fn register_card(client: &Client, sandbox: &str, token: &str) -> Result<()> {
    let methods = client.get("/v1/payments/methods", token).await?;
    if methods.as_array().is_some_and(|methods| !methods.is_empty()) {
        return Ok(());
    }
    let customer = client.get("/v1/payments/customer", token).await?;
    let card = json!({
        "customerKey": customer["customer_key"], "cardNumber": "4330123412341234",
        "cardExpirationYear": "30", "cardExpirationMonth": "12",
    });
    let window = client
        .post_to(&format!("{sandbox}/toss/sandbox/cards"), &card)
        .await?;
    client
        .post(
            "/v1/payments/methods",
            token,
            &json!({ "auth_key": window["authKey"] }),
        )
        .await?;
    Ok(())
}
