//! The services, RPCs, messages and enums that clients need, by full name.

use std::collections::BTreeSet;

use prost_reflect::{EnumDescriptor, Kind, MessageDescriptor, MethodDescriptor};

use crate::{DESCRIPTOR_POOL, contract};

#[derive(Default)]
pub struct Selection {
    names: BTreeSet<String>,
}

impl Selection {
    /// Selects the RPCs that clients may call, what these use, and the error reasons of every package.
    pub fn of_clients() -> Self {
        let is_reason =
            |e: &EnumDescriptor| e.name() == "ErrorReason" && e.package_name().starts_with("carshare.");
        Self::of(
            contract::methods().filter(is_for_clients),
            DESCRIPTOR_POOL.all_enums().filter(is_reason),
        )
    }

    /// Selects RPCs with what they use, and enums.
    pub fn of(
        methods: impl Iterator<Item = MethodDescriptor>,
        enums: impl Iterator<Item = EnumDescriptor>,
    ) -> Self {
        let mut selection = Self::default();
        methods.for_each(|method| selection.add_method(&method));
        enums.for_each(|added| selection.add_enum(&added));
        selection
    }

    pub fn contains(&self, full_name: &str) -> bool {
        self.names.contains(full_name)
    }

    fn add_method(&mut self, method: &MethodDescriptor) {
        self.add(method.full_name());
        self.add(method.parent_service().full_name());
        self.add_message(&method.input());
        self.add_message(&method.output());
    }

    fn add_message(&mut self, message: &MessageDescriptor) {
        if !self.add(message.full_name()) {
            return;
        }
        if let Some(parent) = message.parent_message() {
            self.add_message(&parent);
        }
        for field in message.fields() {
            match field.kind() {
                Kind::Message(message) => self.add_message(&message),
                Kind::Enum(used) => self.add_enum(&used),
                _ => {}
            }
        }
    }

    fn add_enum(&mut self, added: &EnumDescriptor) {
        self.add(added.full_name());
        if let Some(parent) = added.parent_message() {
            self.add_message(&parent);
        }
    }

    /// Returns whether the name is new.
    fn add(&mut self, full_name: &str) -> bool {
        self.names.insert(full_name.to_owned())
    }
}

/// Whether callers outside of the mesh may call the RPC.
fn is_for_clients(method: &MethodDescriptor) -> bool {
    contract::access(method).is_some_and(|access| access.internal.is_empty())
}
