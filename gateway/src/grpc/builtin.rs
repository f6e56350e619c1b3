//! The gRPC services of the gateway itself: health, and reflection in both versions, which tools read.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, ensure};
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use carshare_chassis::client::PeerChannel;
use carshare_chassis::health::Readiness;
use carshare_chassis::server::grpc_health::{self, CachedStatus};
use carshare_chassis::{Error, Shutdown};
use carshare_proto::DESCRIPTOR_SET;
use prost::Message as _;
use prost_types::FileDescriptorSet;
use tonic::Status;
use tonic::codec::CompressionEncoding;
use tonic::service::{Routes, RoutesBuilder};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_reflection::server::Builder;
use tower::ServiceExt as _;

use crate::method_table::MethodTable;
use crate::state::Peers;

const HEALTH: &str = "grpc.health.v1.Health";
const OWN_SERVICES: [&str; 3] = [
    HEALTH,
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
];

#[derive(Clone, Debug)]
pub struct BuiltinServices(Routes);

impl BuiltinServices {
    /// Reflects the RPCs that clients may call, and reports the health of their services.
    ///
    /// # Errors
    /// A descriptor set that cannot be read: a defect of the build.
    pub fn new(methods: &MethodTable, peers: &Peers, draining: &Shutdown) -> anyhow::Result<Self> {
        let contract = for_clients(methods)?;
        let names: BTreeSet<String> = methods.iter().map(|rpc| rpc.service_name()).collect();
        let reflection = || {
            let builder = Builder::configure()
                .register_file_descriptor_set(contract.clone())
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET);
            let names = names.iter().map(String::as_str).chain([HEALTH]);
            names.fold(builder, Builder::with_service_name)
        };
        let gzip = CompressionEncoding::Gzip;
        let mut services = RoutesBuilder::default();
        services
            .add_service(reflection().build_v1()?.accept_compressed(gzip))
            .add_service(reflection().build_v1alpha()?.accept_compressed(gzip))
            .add_service(health(methods, peers, draining).accept_compressed(gzip));
        Ok(Self(services.routes().prepare()))
    }

    /// Returns whether the gRPC path belongs to one of them.
    pub fn has(path: &str) -> bool {
        path.starts_with("/grpc.")
    }

    /// Returns whether the request is one message: of health, but not of reflection, whose stream stays open.
    pub fn takes_one_message(path: &str) -> bool {
        path.trim_start_matches('/').starts_with(HEALTH)
    }

    /// # Errors
    /// `INVALID_ARGUMENT` or `TOO_LARGE` for a request that cannot be read.
    pub async fn call(&self, request: Request) -> Result<Response, Error> {
        let Ok(response) = self.0.clone().oneshot(request).await;
        let status = Status::from_header_map(response.headers());
        match status.as_ref().and_then(Error::of_unreadable_request) {
            Some(error) => Err(error),
            None => Ok(response.map(Body::new)),
        }
    }
}

/// Returns the health service for the gateway (`""`), its own services, and the services of the contract, whose peers are asked.
fn health(methods: &MethodTable, peers: &Peers, draining: &Shutdown) -> HealthServer<impl Health> {
    let status = |readiness| CachedStatus::new(readiness, draining.token().clone());
    let own = status(Readiness::new());
    let mut statuses: BTreeMap<String, CachedStatus> = [""]
        .iter()
        .chain(&OWN_SERVICES)
        .map(|name| ((*name).to_owned(), own.clone()))
        .collect();
    for rpc in methods.iter() {
        statuses
            .entry(rpc.service_name())
            .or_insert_with_key(|name| status(of_peer(name, peers.calls(&rpc.peer).cloned())));
    }
    grpc_health::service(statuses)
}

/// Returns a check that asks the peer for the health of its service.
fn of_peer(service: &str, peer: Option<PeerChannel>) -> Readiness {
    let request = HealthCheckRequest {
        service: service.to_owned(),
    };
    let mut readiness = Readiness::new();
    readiness.check("peer", move || ask(peer.clone(), request.clone()));
    readiness
}

async fn ask(peer: Option<PeerChannel>, request: HealthCheckRequest) -> anyhow::Result<()> {
    let peer = peer.context("the peer is not configured")?;
    let reply = HealthClient::new(peer).check(request).await?;
    ensure!(
        reply.get_ref().status() == ServingStatus::Serving,
        "the peer is not serving"
    );
    Ok(())
}

/// Returns the contract without internal RPCs. Comments are removed too: they are addressed by the index of the RPC and mention
/// internal ones.
fn for_clients(methods: &MethodTable) -> anyhow::Result<FileDescriptorSet> {
    let mut contract = FileDescriptorSet::decode(DESCRIPTOR_SET)?;
    for file in &mut contract.file {
        let package = file.package().to_owned();
        file.source_code_info = None;
        for service in &mut file.service {
            let name = service.name().to_owned();
            let exists = |rpc: &str| methods.find(&format!("/{package}.{name}/{rpc}")).is_some();
            service.method.retain(|method| exists(method.name()));
        }
        file.service.retain(|service| !service.method.is_empty());
    }
    Ok(contract)
}
