//! Conversions between messages and rows.

use anyhow::Context as _;
use carshare_chassis::proto_types::timestamp;
use carshare_proto::notification::v1 as pb;

use crate::domain::device::Platform;
use crate::error::Error;
use crate::store::{devices, notifications};

pub(super) fn notification(row: notifications::Model) -> pb::Notification {
    pb::Notification {
        id: row.id.to_string(),
        r#type: row.kind,
        title: row.title,
        body: row.body,
        data: row.data.0.into_iter().collect(),
        read_at: row.read_at.map(timestamp),
        created_at: Some(timestamp(row.created_at)),
    }
}

pub(super) fn device(row: &devices::Model) -> Result<pb::Device, Error> {
    let platform = match row.platform.parse().context("unknown platform")? {
        Platform::Ios => pb::DevicePlatform::Ios,
        Platform::Android => pb::DevicePlatform::Android,
        Platform::Web => pb::DevicePlatform::Web,
    };
    Ok(pb::Device {
        id: row.id.to_string(),
        platform: platform.into(),
        created_at: Some(timestamp(row.created_at)),
    })
}

/// Returns `None` for an unspecified platform, which the contract rejects.
pub(super) fn platform(platform: pb::DevicePlatform) -> Option<Platform> {
    match platform {
        pb::DevicePlatform::Ios => Some(Platform::Ios),
        pb::DevicePlatform::Android => Some(Platform::Android),
        pb::DevicePlatform::Web => Some(Platform::Web),
        pb::DevicePlatform::Unspecified => None,
    }
}
