//! The payout of a rental to its host.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::rental::{Rental, local_time};
use super::{Person, admin};

/// Time after the end of a rental from which on it is settled.
const HOLD: Duration = Duration::from_hours(72);

impl Rental<'_> {
    /// The administrator settles the payments of the rental and reports the bank transfer. Returns a line about it, as the host sees it.
    pub(super) async fn pay_out(&self, host: &Person) -> Result<String> {
        self.advance(HOLD).await?;
        let path = "/v1/payments/settlements";
        let operator = admin::sign_in(self.client, self.now().await?).await?;
        // The job may have settled them before.
        self.client
            .post("/v1/payments/settle", &operator, &json!({}))
            .await?;
        let token = self.token(host).await?;
        let settlements = self.client.get(path, &token).await?;
        let id = settlements[0]["id"].as_str().context("a settlement")?;
        let transfer = json!({ "transfer_reference": format!("demo-{}", &id[..8]) });
        let complete = format!("{path}/{id}/complete");
        self.client.put(&complete, &operator, &transfer).await?;
        let paid = self.client.get(&format!("{path}/{id}"), &token).await?;
        let settlement = &paid["settlement"];
        ensure!(settlement["status"] == "paid", "not paid: {paid}");
        let (amount, count) = (&settlement["amount"], &settlement["payment_count"]);
        let time = local_time(&settlement["paid_at"])?;
        Ok(format!(
            "{time}  paid out: {amount} won to the host for {count} payments"
        ))
    }
}
