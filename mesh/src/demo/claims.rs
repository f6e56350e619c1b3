//! What follows a rental: the fee of a late return, and a claim for damage.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::rental::Rental;
use super::{Person, admin, photo};

/// Colour of the car in the photo of its damage.
const PAINT: [u8; 3] = [120, 40, 40];

impl Rental<'_> {
    /// Records a photo of the return and returns its hash.
    pub(super) async fn photograph(&self, person: &Person) -> Result<String> {
        let token = self.token(person).await?;
        let file = photo::draw(PAINT)?;
        let path = format!("/v1/bookings/{}/photo-uploads", self.id);
        let announced = json!({
            "phase": "return", "angle": "detail", "content_type": "image/png", "size_bytes": file.len(),
        });
        let upload = self.client.post(&path, &token, &announced).await?;
        self.client.upload(&upload, file).await?;
        let id = upload["photo_id"].as_str().context("an upload without an id")?;
        self.client
            .put(&format!("{path}/{id}/complete"), &token, &json!({}))
            .await?;
        let handover = format!("/v1/bookings/{}/handover", self.id);
        let handover = self.client.get(&handover, &token).await?;
        let entries = handover["entries"].as_array();
        let photo = entries.and_then(|entries| entries.iter().find(|entry| entry["phase"] == "return"));
        let hash = photo.and_then(|entry| entry["sha256"].as_str());
        hash.context("a photo without an entry").map(str::to_owned)
    }

    /// The guest accepts the fee of the late return, and is charged.
    pub(super) async fn pay_late_return(&self, guest: &Person) -> Result<()> {
        let token = self.token(guest).await?;
        let claims = self.client.get(&self.claims(), &token).await?;
        let fee = &claims[0];
        ensure!(fee["kind"] == "late_return", "no fee of a late return: {claims}");
        self.answer(&token, fee, "accept", &json!({})).await?;
        self.wait_for_payment(&token, fee).await
    }

    /// The host claims damage, the guest objects, and the administrator approves a part.
    pub(super) async fn claim_damage(&self, (guest, host): (&Person, &Person), photo: &str) -> Result<()> {
        let claim = json!({
            "kind": "damage", "amount": 150_000, "description": "왼쪽 뒷문이 긁혔습니다.", "evidence_sha256s": [photo],
        });
        let claim = self
            .client
            .post(&self.claims(), &self.token(host).await?, &claim)
            .await?;
        let token = self.token(guest).await?;
        let objection = json!({ "objection": "이미 있던 흠집과 겹칩니다." });
        self.answer(&token, &claim, "object", &objection).await?;
        let decision =
            json!({ "approved_amount": 100_000, "reason": "인수 사진에는 흠집의 일부만 보입니다." });
        let admin = admin::sign_in(self.client, self.now().await?).await?;
        self.answer(&admin, &claim, "decide", &decision).await?;
        self.wait_for_payment(&token, &claim).await
    }

    async fn answer(&self, token: &str, claim: &Value, verb: &str, body: &Value) -> Result<()> {
        let id = claim["id"].as_str().context("a claim without an id")?;
        let path = format!("{}/{id}/{verb}", self.claims());
        self.client.put(&path, token, body).await.map(drop)
    }

    async fn wait_for_payment(&self, token: &str, claim: &Value) -> Result<()> {
        let is_paid = |claims: &Value| {
            let mut claims = claims.as_array().into_iter().flatten();
            claims.any(|found| found["id"] == claim["id"] && found["status"] == "paid")
        };
        self.wait_for(token, &self.claims(), is_paid)
            .await
            .context("the claim is not paid")
    }

    fn claims(&self) -> String {
        format!("/v1/bookings/{}/claims", self.id)
    }
}
