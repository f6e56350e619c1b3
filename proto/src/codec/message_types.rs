//! Which checks a message type needs: most replies and the requests without fields need none, and converting a message for the
//! validator costs more than the rest of a small call.

use std::collections::HashSet;
use std::sync::LazyLock;

use prost_reflect::{DynamicMessage, Kind, MessageDescriptor};

use super::message_checks::TIMESTAMP;
use crate::{DESCRIPTOR_POOL, contract};

static RULE_FREE: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let all = DESCRIPTOR_POOL.all_messages();
    all.filter(|message| !has_rules(message, &mut HashSet::new()))
        .map(|message| message.full_name().to_owned())
        .collect()
});

static REQUESTS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let inputs = contract::methods().map(|method| method.input());
    inputs.map(|message| message.full_name().to_owned()).collect()
});

/// Returns whether an RPC takes a message of the type.
pub(super) fn is_request(message: &MessageDescriptor) -> bool {
    REQUESTS.contains(message.full_name())
}

/// Returns whether neither the type nor the types of its fields, at any depth, have rules or timestamps.
pub(super) fn is_rule_free(message: &MessageDescriptor) -> bool {
    RULE_FREE.contains(message.full_name())
}

fn has_rules(message: &MessageDescriptor, visited: &mut HashSet<String>) -> bool {
    if !visited.insert(message.full_name().to_owned()) {
        return false;
    }
    message.full_name() == TIMESTAMP
        || is_ruled(&message.options())
        || message.oneofs().any(|oneof| is_ruled(&oneof.options()))
        || message.fields().any(|field| {
            is_ruled(&field.options())
                || match field.kind() {
                    Kind::Message(inner) => has_rules(&inner, visited),
                    _ => false,
                }
        })
}

fn is_ruled(options: &DynamicMessage) -> bool {
    options
        .extensions()
        .any(|(extension, _)| extension.full_name().starts_with("buf.validate."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_and_timestamps_are_found_at_any_depth() {
        let is_rule_free =
            |name: &str| super::is_rule_free(&DESCRIPTOR_POOL.get_message_by_name(name).unwrap());
        assert!(!is_rule_free("carshare.vehicle.v1.GetVehicleRequest"));
        assert!(!is_rule_free("carshare.vehicle.v1.AddAvailabilityRequest"));
        assert!(!is_rule_free("carshare.booking.v1.ListBookingsResponse"));
        assert!(is_rule_free("carshare.auth.v1.GetMeRequest"));
        assert!(is_rule_free("carshare.auth.v1.GetJwksResponse"));
    }
}
