//! Names of schemas: the name of the message or enum, `Booking`, with its service in front where two share one.

use std::collections::HashMap;

use carshare_proto::DESCRIPTOR_POOL;
use prost_reflect::{DescriptorPool, EnumDescriptor, MessageDescriptor};

/// Names by full name of the message or enum.
#[derive(Debug)]
pub(super) struct Names(HashMap<String, String>);

impl Names {
    pub(super) fn of_contract() -> Self {
        Self::of(&DESCRIPTOR_POOL)
    }

    fn of(pool: &DescriptorPool) -> Self {
        let messages = pool
            .all_messages()
            .map(|message| (message.full_name().to_owned(), message.package_name().to_owned()));
        let enums = pool
            .all_enums()
            .map(|each| (each.full_name().to_owned(), each.package_name().to_owned()));
        let mut by_name: HashMap<String, Vec<(String, String)>> = HashMap::new();
        for (full_name, package) in messages.chain(enums).filter(|(_, package)| is_ours(package)) {
            by_name
                .entry(short(&full_name, &package))
                .or_default()
                .push((full_name, package));
        }
        let named = by_name.into_iter().flat_map(|(short, all)| {
            let is_unique = all.len() < 2;
            all.into_iter().map(move |(full_name, package)| {
                let name = if is_unique {
                    short.clone()
                } else {
                    format!("{}{short}", service(&package))
                };
                (full_name, name)
            })
        });
        Self(named.collect())
    }

    /// Returns the name of a message's schema.
    pub(super) fn of_message<'a>(&'a self, message: &'a MessageDescriptor) -> &'a str {
        self.find(message.full_name())
    }

    /// Returns the name of an enum's schema.
    pub(super) fn of_enum<'a>(&'a self, descriptor: &'a EnumDescriptor) -> &'a str {
        self.find(descriptor.full_name())
    }

    fn find<'a>(&'a self, full_name: &'a str) -> &'a str {
        self.0.get(full_name).map_or(full_name, String::as_str)
    }
}

fn is_ours(package: &str) -> bool {
    package.starts_with("carshare.")
}

/// `carshare.booking.v1.Outer.Inner` → `OuterInner`.
fn short(full_name: &str, package: &str) -> String {
    full_name
        .get(package.len()..)
        .unwrap_or_default()
        .replace('.', "")
}

/// `carshare.booking.v1` → `Booking`.
fn service(package: &str) -> String {
    let word = package.split('.').nth(1).unwrap_or_default();
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
