//! Cars with their photos and hosts, read with two queries for any number of cars.

use std::collections::HashMap;

use anyhow::Context as _;
use carshare_proto::auth::v1::UserProfile;
use carshare_proto::options::v1::Role;
use sea_orm::ConnectionTrait;

use super::vehicle_images;
use crate::domain::{Vehicle, VehicleId};
use crate::error::Result;

/// A car as shown in replies.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    pub vehicle: Vehicle,
    /// Object keys of its complete photos, in the order of upload.
    pub image_keys: Vec<String>,
    /// Profile of its host.
    pub owner: Option<UserProfile>,
}

pub async fn view(conn: &impl ConnectionTrait, vehicle: Vehicle) -> Result<View> {
    let shown = views(conn, vec![vehicle]).await?.pop();
    Ok(shown.context("one view for one car")?)
}

/// Returns the views of these cars in their order.
pub async fn views(conn: &impl ConnectionTrait, vehicles: Vec<Vehicle>) -> Result<Vec<View>> {
    let ids: Vec<VehicleId> = vehicles.iter().map(|vehicle| vehicle.id).collect();
    let mut keys: HashMap<VehicleId, Vec<String>> = HashMap::new();
    for image in vehicle_images::list_complete(conn, &ids).await? {
        keys.entry(image.vehicle).or_default().push(image.object_key);
    }
    let owners = vehicles.iter().map(|vehicle| vehicle.owner_id.0);
    let owners = carshare_profiles::list(conn, Role::Host, owners).await?;
    let view = |vehicle: Vehicle| View {
        image_keys: keys.remove(&vehicle.id).unwrap_or_default(),
        owner: owners.get(&vehicle.owner_id.0).cloned(),
        vehicle,
    };
    Ok(vehicles.into_iter().map(view).collect())
}
