//! Traces over several hops, in headers and at a collector.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use carshare_chassis::config::{Telemetry, Tls};
use carshare_chassis::request_context::RequestContext;
use carshare_chassis::{Clock, telemetry};
use carshare_proto::auth::v1::LoginRequest;
use carshare_proto::auth::v1::auth_service_client::AuthServiceClient;
use carshare_proto::vehicle::v1::ReleaseHoldRequest;
use carshare_proto::vehicle::v1::vehicle_service_client::VehicleServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::net::TcpListener;
use tonic::{Request, Response, Status};

use crate::fake::Behaviour;
use crate::harness::{TestServer, USER, plain};

const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";
const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn login() -> Request<LoginRequest> {
    let mut request = Request::new(LoginRequest {
        email: "guest@example.com".into(),
        password: "correct horse".into(),
        mfa_code: None,
    });
    request
        .metadata_mut()
        .insert("traceparent", TRACEPARENT.parse().unwrap());
    request
        .metadata_mut()
        .insert("x-correlation-id", "client-1".parse().unwrap());
    request
}

/// Starts two services, of which the first calls the second. The receiver gets the request contexts of the second.
async fn two_hops() -> (
    TestServer,
    TestServer,
    tokio::sync::mpsc::UnboundedReceiver<RequestContext>,
) {
    let (sender, contexts) = tokio::sync::mpsc::unbounded_channel();
    let second = Behaviour::new(move |_| {
        sender.send(RequestContext::current().unwrap()).unwrap();
        async { Ok(()) }
    });
    let second = TestServer::start(plain(), &second).await;
    let tls = Tls {
        insecure_as: Some("booking".into()),
        ..Tls::insecure()
    };
    let vehicle = VehicleServiceClient::new(second.peer("vehicle", &tls));
    let first = Behaviour::new(move |_| {
        let mut vehicle = vehicle.clone();
        async move {
            let hold = ReleaseHoldRequest {
                booking_id: USER.to_string(),
            };
            Ok(vehicle.release_hold(hold).await.map(drop)?)
        }
    });
    (TestServer::start(plain(), &first).await, second, contexts)
}

#[tokio::test]
async fn trace_and_correlation_id_reach_the_next_hop() {
    let (first, _second, mut contexts) = two_hops().await;
    AuthServiceClient::new(first.channel())
        .login(login())
        .await
        .unwrap();
    let context = contexts.recv().await.unwrap();
    assert_eq!(context.correlation_id(), "client-1");
    assert_eq!(context.trace_id(), TRACE_ID);
}

#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Span>>>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let scopes = request
            .into_inner()
            .resource_spans
            .into_iter()
            .flat_map(|resource| resource.scope_spans);
        self.0
            .lock()
            .unwrap()
            .extend(scopes.flat_map(|scope| scope.spans));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tokio::test]
async fn collector_receives_one_trace_with_nested_spans() {
    let collector = Collector::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let service = TraceServiceServer::new(collector.clone());
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    let serving = tonic::transport::Server::builder()
        .add_service(service)
        .serve_with_incoming(incoming);
    let serving = carshare_chassis::task::spawn("collector", serving);

    // A disabled log does not drop spans.
    let config = Telemetry {
        otlp_endpoint: Some(endpoint),
        log: "off".into(),
        ..Telemetry::default()
    };
    let (subscriber, guard) =
        telemetry::subscriber("fake", &config, &Clock::system(), std::io::sink).unwrap();
    let installed = tracing::subscriber::set_default(subscriber);
    let (first, second, _contexts) = two_hops().await;
    AuthServiceClient::new(first.channel())
        .login(login())
        .await
        .unwrap();
    drop((first, second));
    guard.flush().await;
    drop(installed);

    let hex = |bytes: &[u8]| hex::encode(bytes);
    let names = [
        "rpc.auth.login",
        "call.vehicle.release_hold",
        "rpc.vehicle.release_hold",
    ];
    let spans = carshare_testkit::eventually(Duration::from_secs(10), async || {
        let all = collector.0.lock().unwrap();
        let found = names.map(|name| all.iter().find(|span| span.name == name).cloned());
        found.into_iter().collect::<Option<Vec<_>>>()
    })
    .await;
    serving.abort();
    assert!(spans.iter().all(|span| hex(&span.trace_id) == TRACE_ID));
    let parents: Vec<_> = spans.iter().map(|span| hex(&span.parent_span_id)).collect();
    assert_eq!(
        parents,
        [
            "b7ad6b7169203331".to_owned(),
            hex(&spans[0].span_id),
            hex(&spans[1].span_id)
        ]
    );
}
