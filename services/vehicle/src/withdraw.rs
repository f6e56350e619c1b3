//! Withdraws a car permanently: by its host, or because the host's account was deleted. Its photos become abandoned uploads, whose files a
//! job deletes.

use carshare_store::Tx;

use crate::domain::Vehicle;
use crate::error::Result;
use crate::events::publish;
use crate::store::{vehicle_images, vehicles};

/// Withdraws a car that the transaction has locked.
pub async fn withdraw(tx: &Tx, vehicle: &Vehicle) -> Result<()> {
    vehicles::withdraw(tx.conn(), vehicle.id, tx.now()).await?;
    vehicle_images::abandon_all(tx.conn(), vehicle.id, tx.now()).await?;
    tx.publish(&publish::withdrawn(vehicle));
    Ok(())
}
