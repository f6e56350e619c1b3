//! Server reflection, v1 and v1alpha, which most clients use.

use std::collections::BTreeSet;

use futures::stream;
use prost::Message as _;
use prost_types::FileDescriptorProto;
use tonic_reflection::pb::{v1, v1alpha};

use crate::harness::{GrpcClient, Protocol, mesh};

const SERVICES: [&str; 17] = [
    "carshare.auth.export.v1.ExportService",
    "carshare.auth.v1.AccountService",
    "carshare.auth.v1.AuthService",
    "carshare.auth.v1.EmailService",
    "carshare.auth.v1.MfaService",
    "carshare.booking.v1.BookingChangeService",
    "carshare.booking.v1.BookingClaimService",
    "carshare.booking.v1.BookingService",
    "carshare.booking.v1.CouponService",
    "carshare.booking.v1.HandoverService",
    "carshare.booking.v1.ReviewService",
    "carshare.notification.v1.NotificationService",
    "carshare.payment.v1.PaymentService",
    "carshare.payment.v1.SettlementService",
    "carshare.vehicle.v1.VehicleImageService",
    "carshare.vehicle.v1.VehicleService",
    "grpc.health.v1.Health",
];

/// Calls one version of reflection: the list of services, and the file of the booking service.
macro_rules! ask {
    ($version:ident, $wire:expr) => {{
        use $version::server_reflection_request::MessageRequest;
        use $version::server_reflection_response::MessageResponse;
        let question = |message_request| $version::ServerReflectionRequest {
            host: String::new(),
            message_request: Some(message_request),
        };
        let questions = [
            question(MessageRequest::ListServices(String::new())),
            question(MessageRequest::FileContainingSymbol(
                "carshare.booking.v1.BookingService".to_owned(),
            )),
        ];
        let mut client = $version::server_reflection_client::ServerReflectionClient::new($wire.transport());
        let asked = client.server_reflection_info(stream::iter(questions)).await;
        let mut responses = asked.expect("reflection").into_inner();
        let mut next = async || {
            let response = responses.message().await.expect("an open stream");
            response
                .and_then(|response| response.message_response)
                .expect("a response")
        };
        let MessageResponse::ListServicesResponse(list) = next().await else {
            panic!("no list")
        };
        let MessageResponse::FileDescriptorResponse(file) = next().await else {
            panic!("no file")
        };
        let names: BTreeSet<String> = list.service.into_iter().map(|service| service.name).collect();
        (names, file.file_descriptor_proto)
    }};
}

fn check(names: &BTreeSet<String>, files: &[Vec<u8>]) {
    assert_eq!(names.iter().collect::<Vec<_>>(), SERVICES);
    let files: Vec<_> = files
        .iter()
        .map(|file| FileDescriptorProto::decode(&file[..]).expect("a file"))
        .collect();
    let file = files
        .iter()
        .find(|file| file.name() == "carshare/booking/v1/booking_service.proto")
        .expect("the file of the service");
    let methods: Vec<_> = file.service[0]
        .method
        .iter()
        .map(prost_types::MethodDescriptorProto::name)
        .collect();
    assert_eq!(methods.first(), Some(&"CreateBooking"));
    assert_eq!(methods.len(), 13);
}

#[tokio::test(flavor = "multi_thread")]
async fn reflection_lists_services_and_files_in_both_versions() {
    let mesh = mesh().await;
    let wire = GrpcClient::connect(&mesh, Protocol::Native).await;
    let (names, files) = ask!(v1, wire);
    check(&names, &files);
    let (names, files) = ask!(v1alpha, wire);
    check(&names, &files);
}
