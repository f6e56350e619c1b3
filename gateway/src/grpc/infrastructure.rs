//! The gRPC services of the gateway itself: reflection in both versions, so that stock clients find their way, and health.

use axum::body::Body;
use axum::response::Response;
use carshare_proto::DESCRIPTOR_SET;
use http::Request;
use tonic::service::{Routes, RoutesBuilder};
use tonic_health::server::health_reporter;
use tonic_reflection::server::Builder;
use tower::ServiceExt as _;

use crate::rpc::Rpcs;

const HEALTH: &str = "grpc.health.v1.Health";

/// Answers `/grpc.*`.
#[derive(Clone, Debug)]
pub struct Infrastructure(Routes);

impl Infrastructure {
    /// Reflects the services that clients may call.
    ///
    /// # Errors
    /// A descriptor set that cannot be read: a defect of the build.
    pub fn new(rpcs: &Rpcs) -> anyhow::Result<Self> {
        let reflection = || {
            let names = rpcs
                .iter()
                .map(|rpc| rpc.descriptor.parent_service().full_name().to_owned());
            let builder = Builder::configure()
                .register_encoded_file_descriptor_set(DESCRIPTOR_SET)
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

    /// The answer.
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
