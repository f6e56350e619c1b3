//! The RPCs that clients may call, with their options.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context as _;
use carshare_chassis::method_registry::{self, Method, Policy};
use carshare_proto::contract;
use carshare_proto::google::api::HttpRule;
use carshare_proto::options::v1::{Limit, Rest};
use http::uri::PathAndQuery;
use prost_reflect::{MessageDescriptor, MethodDescriptor};

use crate::json::{MessageType, Schema};

#[derive(Debug)]
pub struct Rpc {
    /// gRPC path, `/carshare.booking.v1.BookingService/CreateBooking`.
    pub path: PathAndQuery,
    pub descriptor: MethodDescriptor,
    /// The request message, for its conversion from JSON.
    pub input: MessageType,
    /// The reply, for its conversion to JSON.
    pub output: MessageType,
    /// Access policy and streaming kind.
    pub method: &'static Method,
    /// Name of its service, the key of `[peers]`: `booking`.
    pub peer: String,
    pub http: Option<HttpRule>,
    /// Success status and streaming form over REST.
    pub rest: Rest,
    /// Rate-limit class.
    pub limit: Option<Limit>,
}

/// RPCs by gRPC path. Internal ones are left out, so that clients cannot tell them from unknown ones.
#[derive(Debug, Default)]
pub struct MethodTable {
    in_order: Vec<Arc<Rpc>>,
    by_path: HashMap<String, Arc<Rpc>>,
}

impl MethodTable {
    /// Reads the embedded contract.
    ///
    /// # Errors
    /// An RPC without an entry in the method registry, or a message without a form in JSON: defects of the build.
    pub fn read() -> anyhow::Result<Self> {
        let mut public = Vec::new();
        for descriptor in contract::methods() {
            let path = grpc_path(&descriptor);
            let method = method_registry::find(&path)
                .with_context(|| format!("{path} is not in the method registry"))?;
            if !matches!(method.policy(), Policy::Internal(_) | Policy::Nobody) {
                public.push((descriptor, method));
            }
        }
        let schema = Schema::compile(public.iter().flat_map(|(rpc, _)| [rpc.input(), rpc.output()]))?;
        let mut table = Self::default();
        for (descriptor, method) in public {
            let rpc = Arc::new(Rpc::read(descriptor, method, &schema)?);
            table
                .by_path
                .insert(rpc.path.as_str().to_owned(), Arc::clone(&rpc));
            table.in_order.push(rpc);
        }
        Ok(table)
    }

    /// Finds an RPC by its gRPC path.
    pub fn find(&self, path: &str) -> Option<&Arc<Rpc>> {
        self.by_path.get(path)
    }

    /// Iterates in the order of the contract.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Rpc>> {
        self.in_order.iter()
    }
}

impl Rpc {
    fn read(
        descriptor: MethodDescriptor,
        method: &'static Method,
        schema: &Arc<Schema>,
    ) -> anyhow::Result<Self> {
        let compiled = |message: MessageDescriptor| {
            let name = message.full_name();
            schema
                .message(name)
                .with_context(|| format!("{name} is not compiled"))
        };
        Ok(Self {
            method,
            path: grpc_path(&descriptor).parse()?,
            peer: service_name(descriptor.parent_service().package_name()).to_owned(),
            http: contract::http(&descriptor),
            rest: contract::rest(&descriptor),
            limit: contract::limit(&descriptor),
            input: compiled(descriptor.input())?,
            output: compiled(descriptor.output())?,
            descriptor,
        })
    }

    /// Full name of its service, `carshare.booking.v1.BookingService`.
    pub fn service_name(&self) -> String {
        self.descriptor.parent_service().full_name().to_owned()
    }

    pub fn is_unary(&self) -> bool {
        self.method.is_unary()
    }
}

fn grpc_path(descriptor: &MethodDescriptor) -> String {
    format!(
        "/{}/{}",
        descriptor.parent_service().full_name(),
        descriptor.name()
    )
}

/// `carshare.booking.v1` → `booking`.
fn service_name(package: &str) -> &str {
    package.split('.').nth(1).unwrap_or(package)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_rpcs_are_found_and_internal_ones_are_not() {
        let table = MethodTable::read().unwrap();
        let create = table
            .find("/carshare.booking.v1.BookingService/CreateBooking")
            .unwrap();
        assert_eq!(
            (create.peer.as_str(), create.rest.success_status),
            ("booking", 201)
        );
        assert!(
            table
                .find("/carshare.vehicle.v1.VehicleService/PlaceHold")
                .is_none()
        );
        assert!(table.find("/carshare.vehicle.v1.VehicleService/Nope").is_none());
    }
}
