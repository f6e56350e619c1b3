//! A rental of two weeks from the quote to the reviews, played in seconds: the clock of the mesh is advanced between its steps.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use serde_json::{Value, json};

use super::client::Client;
use super::{GUESTS, HOSTS, Person, sign_in};

/// How long a step waits for the events that lead to its state.
const WAIT: Duration = Duration::from_secs(20);

/// Interval at which a state is looked for.
const POLL: Duration = Duration::from_millis(50);

/// UTC+9, without daylight saving time.
const SEOUL_OFFSET_S: i32 = 9 * 60 * 60;

/// The rental, as one of its sides sees it.
pub(super) struct Rental<'a> {
    pub(super) client: &'a Client,
    sandbox: &'a str,
    pub(super) id: String,
}

/// Plays a rental of a demo car by a demo guest, from the quote over an extension to the return two hours after its end, the fee of that, a claim for
/// damage about which the administrator decides, the reviews and the payout, and returns its timeline and a line about the payout. The demo data
/// and the administrator are loaded, and the clock of the mesh is movable.
pub async fn play(gateway: &str, sandbox: &str) -> Result<Vec<String>> {
    let client = Client::new(gateway, None)?;
    let start = now(&client, sandbox).await? + TimeDelta::hours(30);
    let (end, extended) = (start + TimeDelta::days(12), start + TimeDelta::days(14));
    let (guest, host) = (&GUESTS[0], &HOSTS[0]);
    let (as_guest, as_host) = (sign_in(&client, guest).await?, sign_in(&client, host).await?);
    let cars = client.get("/v1/vehicles/mine", &as_host).await?;
    let mut request = json!({ "vehicle_id": cars[0]["id"], "start_datetime": start, "end_datetime": end });
    let quote = client.post("/v1/bookings/quote", &as_guest, &request).await?;
    request["quote_token"] = quote["quote_token"].clone();
    request["guest_message"] = json!("2주 가까이 출장에 사용하려고 합니다.");
    let booking = client.post("/v1/bookings", &as_guest, &request).await?;
    ensure!(
        booking["total_amount"] == quote["total_amount"],
        "another price than quoted: {booking}"
    );
    let rental = Rental {
        client: &client,
        sandbox,
        id: booking["id"]
            .as_str()
            .context("a booking without an id")?
            .to_owned(),
    };
    rental.advance(Duration::from_hours(1)).await?;
    rental.act(host, "approve").await?;
    rental.wait(guest, "payment_status", "paid").await?;
    rental.advance_to(start).await?;
    rental.act(guest, "start").await?;
    rental.advance_to(start + TimeDelta::days(10)).await?;
    rental.extend((guest, host), extended).await?;
    rental.advance_to(extended + TimeDelta::hours(2)).await?;
    let photo = rental.photograph(host).await?;
    rental.act(host, "complete").await?;
    rental.pay_late_return(guest).await?;
    rental.claim_damage((guest, host), &photo).await?;
    rental.review(guest, "차가 깨끗하고 응답이 빨랐어요.").await?;
    rental.review(host, "약속을 잘 지켜 주셨어요.").await?;
    let payout = rental.pay_out(host).await?;
    let mut lines = rental.timeline(guest).await?;
    lines.push(payout);
    Ok(lines)
}

impl Rental<'_> {
    /// Makes a transition as its guest or host, with a new access token: the time that has passed ended the last one.
    async fn act(&self, person: &Person, transition: &str) -> Result<()> {
        let token = self.token(person).await?;
        let path = format!("/v1/bookings/{}/{transition}", self.id);
        self.client.put(&path, &token, &json!({})).await.map(drop)
    }

    /// The guest asks for another end, the host accepts, and the difference is charged.
    async fn extend(&self, (guest, host): (&Person, &Person), end: DateTime<Utc>) -> Result<()> {
        let path = format!("/v1/bookings/{}/changes", self.id);
        let request = json!({ "end_datetime": end, "message": "이틀 더 사용하고 싶습니다." });
        let change = self
            .client
            .post(&path, &self.token(guest).await?, &request)
            .await?;
        let id = change["id"].as_str().context("a change without an id")?;
        let accept = format!("{path}/{id}/accept");
        let token = self.token(host).await?;
        self.client.put(&accept, &token, &json!({})).await?;
        let end = change["end_datetime"]
            .as_str()
            .context("a change without an end")?;
        self.wait(guest, "end_datetime", end).await
    }

    async fn review(&self, person: &Person, comment: &str) -> Result<()> {
        let path = format!("/v1/bookings/{}/reviews", self.id);
        let review = json!({ "rating": 5, "comment": comment });
        let token = self.token(person).await?;
        self.client.post(&path, &token, &review).await.map(drop)
    }

    pub(super) async fn token(&self, person: &Person) -> Result<String> {
        sign_in(self.client, person).await
    }

    /// Waits until a field of the booking has a value, which events of other services lead to.
    async fn wait(&self, person: &Person, field: &str, value: &str) -> Result<()> {
        let token = self.token(person).await?;
        let path = format!("/v1/bookings/{}", self.id);
        let is_reached = |booking: &Value| booking[field] == value;
        self.wait_for(&token, &path, is_reached)
            .await
            .with_context(|| format!("the booking is not {value}"))
    }

    /// Waits until what is read at a path is as it should be.
    pub(super) async fn wait_for(
        &self,
        token: &str,
        path: &str,
        is_reached: impl Fn(&Value) -> bool,
    ) -> Result<()> {
        let reached = async {
            loop {
                let found = self.client.get(path, token).await?;
                if is_reached(&found) {
                    return Ok(());
                }
                ensure!(
                    found["status"] != "cancelled",
                    "the booking was cancelled: {found}"
                );
                tokio::time::sleep(POLL).await;
            }
        };
        tokio::time::timeout(WAIT, reached).await.context("in time")?
    }

    async fn advance_to(&self, time: DateTime<Utc>) -> Result<()> {
        let left = time - now(self.client, self.sandbox).await?;
        self.advance(left.to_std().unwrap_or_default()).await
    }

    /// Returns the time of the mesh.
    pub(super) async fn now(&self) -> Result<DateTime<Utc>> {
        now(self.client, self.sandbox).await
    }

    pub(super) async fn advance(&self, by: Duration) -> Result<()> {
        let (url, seconds) = (clock_url(self.sandbox), by.as_secs().max(1));
        let advance = json!({ "advance_seconds": seconds });
        self.client.post_to(&url, &advance).await.map(drop)
    }

    /// Returns a line for each entry of the timeline.
    async fn timeline(&self, person: &Person) -> Result<Vec<String>> {
        let path = format!("/v1/bookings/{}/timeline", self.id);
        let timeline = self.client.get(&path, &self.token(person).await?).await?;
        let entries = timeline["entries"]
            .as_array()
            .context("a timeline without entries")?;
        entries.iter().map(line).collect()
    }
}

fn clock_url(sandbox: &str) -> String {
    format!("{sandbox}/sandbox/clock")
}

/// Returns the time of the mesh.
async fn now(client: &Client, sandbox: &str) -> Result<DateTime<Utc>> {
    let clock = client.get_from(&clock_url(sandbox)).await?;
    let now = clock["now"].as_str().context("a clock without a time")?;
    Ok(now.parse()?)
}

/// Returns a time in Seoul.
pub(super) fn local_time(time: &Value) -> Result<String> {
    let time: DateTime<Utc> = time.as_str().context("an entry without a time")?.parse()?;
    let seoul = FixedOffset::east_opt(SEOUL_OFFSET_S).context("the offset of Seoul")?;
    Ok(time.with_timezone(&seoul).format("%m-%d %H:%M:%S").to_string())
}

/// Returns an entry of a timeline: time in Seoul, what happened, and the first digits of its trace.
fn line(entry: &Value) -> Result<String> {
    let time = local_time(&entry["occurred_at"])?;
    let trace = entry["trace_id"]
        .as_str()
        .and_then(|id| id.get(..8))
        .unwrap_or("–");
    Ok(format!("{time}  {:<66}  {trace}", what(entry)))
}

fn what(entry: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or("–").to_owned();
    let (change, payment, sent) = (&entry["status_change"], &entry["payment"], &entry["notification"]);
    if change.is_object() {
        let (from, to) = (word(&change["from_status"]), word(&change["to_status"]));
        let (paid, actor) = (word(&change["payment_status"]), word(&change["actor"]));
        let reason = change["reason"].as_str();
        let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
        format!("{from} → {to}, payment {paid}, by {actor}{reason}")
    } else if payment.is_object() {
        format!("payment: {} {} won", word(&payment["kind"]), payment["amount"])
    } else {
        format!("notified: {}", word(&sent["type"]))
    }
}
