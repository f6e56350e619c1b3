//! Tables `vehicle_reviews` and `vehicle_ratings`: the reviews of cars by their guests, and their sums.

use sea_orm::{ConnectionTrait, raw_sql};
use uuid::Uuid;

use crate::domain::VehicleId;
use crate::error::Result;

/// A review of a car.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VehicleReview {
    pub id: Uuid,
    pub vehicle: VehicleId,
    /// 1 to 5.
    pub rating: i32,
}

/// Stores whether a review is shown, and counts it in the rating of its car if it is. Repeats change nothing.
pub async fn upsert(conn: &impl ConnectionTrait, review: VehicleReview, is_shown: bool) -> Result<()> {
    let VehicleReview { id, vehicle, rating } = review;
    conn.execute_raw(raw_sql!(
        Postgres,
        "SELECT count_review({id}, {vehicle.0}, {rating}, {is_shown})"
    ))
    .await?;
    Ok(())
}
