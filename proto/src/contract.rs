//! Options of RPCs, messages, fields and enum values.

use prost::Message;
use prost_reflect::{
    DynamicMessage, EnumValueDescriptor, FieldDescriptor, FileDescriptor, MessageDescriptor,
    MethodDescriptor, Value,
};

use crate::DESCRIPTOR_POOL;
use crate::google::api::HttpRule;
use crate::options::v1::{Access, ErrorReasonSpec, Event, Limit, Rest, Text};

/// Returns the access rule of the RPC. `None` admits no caller.
pub fn access(method: &MethodDescriptor) -> Option<Access> {
    option(&method.options(), "carshare.options.v1.access")
}

/// Returns the REST presentation of the RPC, or the default.
pub fn rest(method: &MethodDescriptor) -> Rest {
    option(&method.options(), "carshare.options.v1.rest").unwrap_or_default()
}

/// Returns the rate-limit class of the RPC, if it has one.
pub fn limit(method: &MethodDescriptor) -> Option<Limit> {
    option(&method.options(), "carshare.options.v1.limit")
}

/// Returns the HTTP route of the RPC, if it has one.
pub fn http(method: &MethodDescriptor) -> Option<HttpRule> {
    option(&method.options(), "google.api.http")
}

/// Returns name and key field of an event message; `None` for other messages.
pub fn event(message: &MessageDescriptor) -> Option<Event> {
    option(&message.options(), "carshare.options.v1.event")
}

/// Returns the error option of an enum value.
pub fn error(value: &EnumValueDescriptor) -> Option<ErrorReasonSpec> {
    option(&value.options(), "carshare.options.v1.error")
}

/// Returns the stated reason why a request field has no rule.
pub fn unchecked(field: &FieldDescriptor) -> Option<String> {
    extension(&field.options(), "carshare.options.v1.unchecked")?
        .as_str()
        .map(str::to_owned)
}

/// Returns whether a field has a `buf.validate` rule.
pub fn has_rule(field: &FieldDescriptor) -> bool {
    extension(&field.options(), "buf.validate.field").is_some()
}

/// Returns which characters a text of a request may have.
pub fn text(field: &FieldDescriptor) -> Text {
    let kind = extension(&field.options(), "carshare.options.v1.text");
    let kind = kind.and_then(|kind| kind.as_enum_number());
    kind.and_then(|number| Text::try_from(number).ok())
        .unwrap_or_default()
}

/// Returns whether every reply sets a field whose type can be unset.
pub fn is_always_set(field: &FieldDescriptor) -> bool {
    extension(&field.options(), "carshare.options.v1.always_set") == Some(Value::Bool(true))
}

/// Returns the stated example of a field, in Korean and in English; the same text if it has one only.
pub fn example(field: &FieldDescriptor) -> Option<(String, String)> {
    let text = |name: &str| Some(extension(&field.options(), name)?.as_str()?.to_owned());
    let example = text("carshare.options.v1.example")?;
    let english = text("carshare.options.v1.example_en").unwrap_or_else(|| example.clone());
    Some((example, english))
}

/// Finds the RPC of a gRPC path, `/carshare.booking.v1.BookingService/CreateBooking`.
pub fn method(path: &str) -> Option<MethodDescriptor> {
    let (service, method) = path.strip_prefix('/')?.split_once('/')?;
    DESCRIPTOR_POOL
        .get_service_by_name(service)?
        .methods()
        .find(|candidate| candidate.name() == method)
}

/// Lists the RPCs of the `carshare` packages, in the order of the protos.
pub fn methods() -> impl Iterator<Item = MethodDescriptor> {
    DESCRIPTOR_POOL
        .services()
        .filter(|service| service.package_name().starts_with("carshare."))
        .flat_map(|service| service.methods().collect::<Vec<_>>())
}

/// Lists the messages of the `carshare` packages.
pub fn messages() -> impl Iterator<Item = MessageDescriptor> {
    DESCRIPTOR_POOL
        .all_messages()
        .filter(|message| message.package_name().starts_with("carshare.") && !message.is_map_entry())
}

/// Returns the trimmed leading comment of the element at `path` (`descriptor.path()`); empty without one.
pub fn comment_of(file: &FileDescriptor, path: &[i32]) -> String {
    let proto = file.file_descriptor_proto();
    let locations = proto.source_code_info.iter().flat_map(|info| &info.location);
    let comment = locations
        .into_iter()
        .find(|location| location.path == path)
        .map(prost_types::source_code_info::Location::leading_comments);
    let lines: Vec<&str> = comment.unwrap_or_default().lines().map(str::trim).collect();
    lines.join("\n").trim().to_owned()
}

fn option<M: Message + Default>(options: &DynamicMessage, name: &str) -> Option<M> {
    extension(options, name)?.as_message()?.transcode_to().ok()
}

pub(crate) fn extension(options: &DynamicMessage, name: &str) -> Option<Value> {
    let extension = DESCRIPTOR_POOL.get_extension_by_name(name)?;
    options
        .has_extension(&extension)
        .then(|| options.get_extension(&extension).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rpc_has_exactly_one_kind_of_access() {
        for method in methods() {
            let access =
                access(&method).unwrap_or_else(|| panic!("{} has no access option", method.full_name()));
            let kinds = [
                access.public,
                access.any_user,
                !access.roles.is_empty(),
                !access.internal.is_empty(),
            ];
            assert_eq!(
                kinds.iter().filter(|kind| **kind).count(),
                1,
                "{}",
                method.full_name()
            );
            assert!(access.any_user || !access.without_mfa, "{}", method.full_name());
        }
    }

    #[test]
    fn client_rpcs_have_a_route_and_internal_rpcs_have_none() {
        for method in methods() {
            let internal = access(&method).is_some_and(|access| !access.internal.is_empty());
            assert_eq!(http(&method).is_none(), internal, "{}", method.full_name());
        }
    }

    #[test]
    fn every_rpc_message_and_field_has_a_comment() {
        for method in methods() {
            let service = method.parent_service().clone();
            assert!(
                !comment_of(&service.parent_file(), method.path()).is_empty(),
                "{}",
                method.full_name()
            );
        }
        for message in messages() {
            assert!(
                !comment_of(&message.parent_file(), message.path()).is_empty(),
                "{}",
                message.full_name()
            );
            for field in message.fields() {
                assert!(
                    !comment_of(&message.parent_file(), field.path()).is_empty(),
                    "{}",
                    field.full_name()
                );
            }
        }
    }

    #[test]
    fn every_request_field_has_a_rule_or_a_stated_reason() {
        for method in methods() {
            for field in method.input().fields() {
                let stated = unchecked(&field).is_some_and(|reason| !reason.is_empty());
                assert!(
                    has_rule(&field) ^ stated,
                    "{} needs a rule or a reason, not both",
                    field.full_name()
                );
            }
        }
    }

    #[test]
    fn every_event_key_is_a_field_of_the_event() {
        let events: Vec<_> = DESCRIPTOR_POOL
            .all_messages()
            .filter_map(|m| event(&m).map(|e| (m, e)))
            .collect();
        assert!(events.len() >= 18);
        for (message, event) in events {
            assert!(
                message.get_field_by_name(&event.key).is_some(),
                "{}",
                message.full_name()
            );
            assert_eq!(event.name.split('.').count(), 2, "{}", message.full_name());
        }
    }

    /// Returns the expressions of the CEL rules on a whole message.
    fn cel_expressions(message: &str) -> Vec<String> {
        let message = DESCRIPTOR_POOL.get_message_by_name(message).expect(message);
        let rules = extension(&message.options(), "buf.validate.message").expect("rules");
        let rules = rules.as_message().expect("a message").get_field_by_name("cel");
        let rules = rules.expect("a list").into_owned();
        let rules = rules.as_list().expect("a list").iter();
        rules
            .map(|rule| rule.as_message().expect("a rule").get_field_by_name("expression"))
            .map(|text| text.expect("a text").as_str().expect("a text").to_owned())
            .collect()
    }

    /// A car is found if and only if a booking of it succeeds: see `SearchVehicles`.
    #[test]
    fn search_and_booking_have_the_same_rule_for_the_period() {
        let search = cel_expressions("carshare.vehicle.v1.SearchVehiclesRequest");
        let booking = cel_expressions("carshare.booking.v1.CreateBookingRequest");
        assert_eq!(search, booking);
        assert!(
            matches!(&search[..], [rule] if rule.contains("duration('1h')") && rule.contains("duration('720h')")),
            "{search:?}"
        );
    }

    #[test]
    fn method_finds_an_rpc_by_its_path() {
        let found = method("/carshare.booking.v1.BookingService/CreateBooking").expect("in the contract");
        assert_eq!(http(&found).map(|rule| rule.body), Some("*".to_owned()));
        assert_eq!(rest(&found).success_status, 201);
        assert!(method("/carshare.booking.v1.BookingService/Nope").is_none());
        assert!(method("nonsense").is_none());
    }
}
