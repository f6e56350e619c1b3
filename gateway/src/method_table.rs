//! The RPCs of the contract that clients may call, with everything the edge has to know about each.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context as _;
use carshare_chassis::method_registry::{self, Method, Policy};
use carshare_proto::contract;
use carshare_proto::google::api::HttpRule;
use carshare_proto::options::v1::{Limit, Rest};
use http::uri::PathAndQuery;
use prost_reflect::MethodDescriptor;

/// One RPC for clients.
#[derive(Debug)]
pub struct Rpc {
    /// gRPC path, `/carshare.booking.v1.BookingService/CreateBooking`.
    pub path: PathAndQuery,
    pub descriptor: MethodDescriptor,
    /// Who may call it, and how it streams.
    pub method: &'static Method,
    /// The service that serves it, by the name of its peer: `booking`.
    pub peer: String,
    pub http: Option<HttpRule>,
    /// How REST presents it.
    pub rest: Rest,
    pub limit: Option<Limit>,
}

/// All RPCs for clients, by gRPC path. Internal ones are not among them: at the edge they do not exist.
#[derive(Debug, Default)]
pub struct Rpcs {
    in_order: Vec<Arc<Rpc>>,
    by_path: HashMap<String, Arc<Rpc>>,
}

impl Rpcs {
    /// Those of the embedded contract.
    ///
    /// # Errors
    /// An RPC that the chassis does not know: a defect of the build.
    pub fn read() -> anyhow::Result<Self> {
        let mut rpcs = Self::default();
        for descriptor in contract::methods() {
            let rpc = Arc::new(Rpc::read(descriptor)?);
            if !matches!(rpc.method.policy(), Policy::Internal(_) | Policy::Nobody) {
                rpcs.by_path
                    .insert(rpc.path.as_str().to_owned(), Arc::clone(&rpc));
                rpcs.in_order.push(rpc);
            }
        }
        Ok(rpcs)
    }

    /// The RPC with this gRPC path.
    pub fn find(&self, path: &str) -> Option<&Arc<Rpc>> {
        self.by_path.get(path)
    }

    /// All of them, in the order of the contract.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Rpc>> {
        self.in_order.iter()
    }
}

impl Rpc {
    fn read(descriptor: MethodDescriptor) -> anyhow::Result<Self> {
        let service = descriptor.parent_service();
        let path = format!("/{}/{}", service.full_name(), descriptor.name());
        Ok(Self {
            method: method_registry::find(&path).with_context(|| format!("{path} is not known"))?,
            path: path.parse()?,
            peer: peer_of(service.package_name()).to_owned(),
            http: contract::http(&descriptor),
            rest: contract::rest(&descriptor),
            limit: contract::limit(&descriptor),
            descriptor,
        })
    }

    pub fn is_unary(&self) -> bool {
        self.method.is_unary()
    }
}

/// `carshare.booking.v1` → `booking`.
fn peer_of(package: &str) -> &str {
    package.split('.').nth(1).unwrap_or(package)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_rpc_knows_its_peer_and_an_internal_one_does_not_exist() {
        let rpcs = Rpcs::read().unwrap();
        let create = rpcs
            .find("/carshare.booking.v1.BookingService/CreateBooking")
            .unwrap();
        assert_eq!(
            (create.peer.as_str(), create.rest.success_status),
            ("booking", 201)
        );
        assert!(
            rpcs.find("/carshare.vehicle.v1.VehicleService/PlaceHold")
                .is_none()
        );
        assert!(rpcs.find("/carshare.vehicle.v1.VehicleService/Nope").is_none());
    }
}
