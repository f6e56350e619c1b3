//! Names of schemas: the name of the message, `Booking`, with its service in front where two messages share one.

use std::collections::HashMap;

use carshare_proto::DESCRIPTOR_POOL;
use prost_reflect::{DescriptorPool, MessageDescriptor};

/// Names by full name of the message.
#[derive(Debug)]
pub(super) struct Names(HashMap<String, String>);

impl Names {
    pub(super) fn of_contract() -> Self {
        Self::of(&DESCRIPTOR_POOL)
    }

    fn of(pool: &DescriptorPool) -> Self {
        let mut by_name: HashMap<String, Vec<MessageDescriptor>> = HashMap::new();
        for message in pool.all_messages() {
            by_name.entry(short(&message)).or_default().push(message);
        }
        let named = by_name.into_iter().flat_map(|(short, messages)| {
            let is_unique = messages.iter().filter(|message| is_ours(message)).count() < 2;
            messages.into_iter().filter(is_ours).map(move |message| {
                let name = if is_unique {
                    short.clone()
                } else {
                    format!("{}{short}", service(&message))
                };
                (message.full_name().to_owned(), name)
            })
        });
        Self(named.collect())
    }

    /// Returns the name of a message's schema.
    pub(super) fn of_message<'a>(&'a self, message: &'a MessageDescriptor) -> &'a str {
        self.0
            .get(message.full_name())
            .map_or(message.full_name(), String::as_str)
    }
}

fn is_ours(message: &MessageDescriptor) -> bool {
    message.package_name().starts_with("carshare.")
}

/// `carshare.booking.v1.Outer.Inner` → `OuterInner`.
fn short(message: &MessageDescriptor) -> String {
    let package = message.package_name().len();
    message
        .full_name()
        .get(package..)
        .unwrap_or_default()
        .replace('.', "")
}

/// `carshare.booking.v1` → `Booking`.
fn service(message: &MessageDescriptor) -> String {
    let word = message.package_name().split('.').nth(1).unwrap_or_default();
    with_first_letter(word, str::to_ascii_uppercase)
}

/// Changes the case of the first letter of an identifier.
pub(super) fn with_first_letter(identifier: &str, case: fn(&str) -> String) -> String {
    let (first, rest) = identifier.split_at_checked(1).unwrap_or_default();
    case(first) + rest
}

#[cfg(test)]
mod tests {
    use prost_types::{DescriptorProto, FileDescriptorProto};

    use super::*;

    fn file(package: &str, messages: &[&str]) -> FileDescriptorProto {
        let message = |name: &&str| DescriptorProto {
            name: Some((*name).into()),
            ..Default::default()
        };
        FileDescriptorProto {
            name: Some(format!("{package}.proto")),
            package: Some(package.into()),
            syntax: Some("proto3".into()),
            message_type: messages.iter().map(message).collect(),
            ..Default::default()
        }
    }

    #[test]
    fn shared_name_is_prefixed_with_its_service() {
        let mut pool = DescriptorPool::new();
        let files = [
            file("carshare.booking.v1", &["Booking", "Address"]),
            file("carshare.auth.v1", &["Address"]),
            file("google.other", &["Booking"]),
        ];
        pool.add_file_descriptor_protos(files).unwrap();
        let names = Names::of(&pool);
        let name = |full: &str| {
            names
                .of_message(&pool.get_message_by_name(full).unwrap())
                .to_owned()
        };
        assert_eq!(name("carshare.booking.v1.Booking"), "Booking");
        assert_eq!(name("carshare.booking.v1.Address"), "BookingAddress");
        assert_eq!(name("carshare.auth.v1.Address"), "AuthAddress");
    }
}
