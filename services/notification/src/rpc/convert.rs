//! Rows ↔ messages, nothing else.

use std::collections::HashMap;

use carshare_chassis::proto_types::timestamp;
use carshare_proto::notification::v1 as pb;

use crate::store::{devices, notifications};

pub(super) fn notification(row: notifications::Model) -> pb::Notification {
    let data = row.data.as_object().into_iter().flatten();
    let data = data.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
    pb::Notification {
        id: row.id.to_string(),
        r#type: row.kind,
        title: row.title,
        body: row.body,
        data: data.collect::<HashMap<_, _>>(),
        read_at: row.read_at.map(timestamp),
        created_at: Some(timestamp(row.created_at)),
    }
}

pub(super) fn device(row: &devices::Model) -> pb::Device {
    let platform = [
        pb::DevicePlatform::Ios,
        pb::DevicePlatform::Android,
        pb::DevicePlatform::Web,
    ]
    .into_iter()
    .find(|platform| platform_word(*platform) == row.platform)
    .unwrap_or_default();
    pb::Device {
        id: row.id.to_string(),
        platform: platform.into(),
        created_at: Some(timestamp(row.created_at)),
    }
}

/// The word a platform is stored as.
pub(super) fn platform_word(platform: pb::DevicePlatform) -> &'static str {
    match platform {
        pb::DevicePlatform::Ios => "ios",
        pb::DevicePlatform::Android => "android",
        pb::DevicePlatform::Web => "web",
        pb::DevicePlatform::Unspecified => "",
    }
}
