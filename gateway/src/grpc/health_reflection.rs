//! The gRPC services of the gateway itself: reflection in both versions, so that stock clients find their way, and health.

use axum::body::Body;
use axum::response::Response;
use carshare_proto::DESCRIPTOR_SET;
use http::Request;
use prost::Message as _;
use prost_types::FileDescriptorSet;
use tonic::service::{Routes, RoutesBuilder};
use tonic_health::server::health_reporter;
use tonic_reflection::server::Builder;
use tower::ServiceExt as _;

use crate::method_table::Rpcs;

const HEALTH: &str = "grpc.health.v1.Health";

/// Answers `/grpc.*`.
#[derive(Clone, Debug)]
pub struct Infrastructure(Routes);

impl Infrastructure {
    /// Reflects what clients may call.
    ///
    /// # Errors
    /// A descriptor set that cannot be read: a defect of the build.
    pub fn new(rpcs: &Rpcs) -> anyhow::Result<Self> {
        let contract = for_clients(rpcs)?;
        let reflection = || {
            let names = rpcs
                .iter()
                .map(|rpc| rpc.descriptor.parent_service().full_name().to_owned());
            let builder = Builder::configure()
                .register_file_descriptor_set(contract.clone())
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET);
            names
                .chain([HEALTH.to_owned()])
                .fold(builder, Builder::with_service_name)
        };
        let (_, health) = health_reporter();
        let mut services = RoutesBuilder::default();
        services
            .add_service(reflection().build_v1()?)
            .add_service(reflection().build_v1alpha()?);
        services.add_service(health);
        Ok(Self(services.routes().prepare()))
    }

    /// Is this path answered here?
    pub fn serves(path: &str) -> bool {
        path.starts_with("/grpc.")
    }

    pub async fn answer(&self, request: Request<Body>) -> Response {
        let answer = self
            .0
            .clone()
            .oneshot(request)
            .await
            .unwrap_or_else(|never| match never {});
        answer.map(Body::new)
    }
}

/// The contract without the RPCs that do not exist here. Without comments too: their paths count RPCs, and they speak of all.
fn for_clients(rpcs: &Rpcs) -> anyhow::Result<FileDescriptorSet> {
    let mut contract = FileDescriptorSet::decode(DESCRIPTOR_SET)?;
    for file in &mut contract.file {
        let package = file.package().to_owned();
        file.source_code_info = None;
        for service in &mut file.service {
            let name = service.name().to_owned();
            let exists = |rpc: &str| rpcs.find(&format!("/{package}.{name}/{rpc}")).is_some();
            service.method.retain(|method| exists(method.name()));
        }
        file.service.retain(|service| !service.method.is_empty());
    }
    Ok(contract)
}
