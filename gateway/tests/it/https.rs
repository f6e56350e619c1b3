//! TLS at the gateway: every protocol over it, what the plain port does then, and replacement of the certificate.

use std::net::SocketAddr;
use std::time::Duration;

use carshare_chassis::config::ServiceConfig;
use carshare_chassis::tls::TlsVersion;
use carshare_gateway::config::Config;
use carshare_proto::booking::v1::booking_service_client::BookingServiceClient;
use carshare_proto::booking::v1::{Booking, GetBookingRequest};
use carshare_proto::notification::v1::SubscribeRequest;
use carshare_proto::notification::v1::notification_service_client::NotificationServiceClient;
use carshare_testkit::{Ca, TempDir, eventually, eventually_true, free_port};
use prost::Message as _;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Method, Version};
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::Code;
use tonic::transport::{Certificate as TonicCertificate, Channel, ClientTlsConfig};
use tonic_types::StatusExt as _;

use crate::harness::{Harness, TIMEOUT, VEHICLE, booking, header, into_json, send};

const GET: &str = "/carshare.booking.v1.BookingService/GetBooking";
const HSTS: &str = "strict-transport-security";

struct Https {
    gateway: Harness,
    ca: Ca,
    address: SocketAddr,
    files: TempDir,
}

impl Https {
    async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    async fn start_with(change: impl FnOnce(&mut ServiceConfig<Config>)) -> Self {
        let (ca, files) = (Ca::new().unwrap(), TempDir::create("https").unwrap());
        let address = SocketAddr::from(([127, 0, 0, 1], free_port().unwrap()));
        write(&files, &ca);
        let gateway = Harness::start_with(|config| {
            config.service.https.listen = Some(address);
            config.service.https.cert_path = Some(files.path().join("tls.crt"));
            config.service.https.key_path = Some(files.path().join("tls.key"));
            config.service.docs.public_url = format!("https://localhost:{}", address.port());
            change(config);
        })
        .await;
        let https = Self {
            gateway,
            ca,
            address,
            files,
        };
        eventually_true(TIMEOUT, async || TcpStream::connect(address).await.is_ok()).await;
        https
    }

    fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }

    fn get(&self, client: &Client, path: &str) -> reqwest::RequestBuilder {
        client
            .get(self.url(path))
            .bearer_auth(self.gateway.token("guest"))
    }

    async fn channel(&self) -> Channel {
        let tls = ClientTlsConfig::new().ca_certificate(TonicCertificate::from_pem(self.ca.cert_pem()));
        let endpoint = Channel::from_shared(self.url(""))
            .unwrap()
            .tls_config(tls)
            .unwrap();
        endpoint.connect().await.expect("h2 over TLS")
    }
}

fn write(files: &TempDir, ca: &Ca) {
    let issued = ca.issue("gateway").unwrap();
    std::fs::write(files.path().join("tls.crt"), issued.cert_pem).unwrap();
    std::fs::write(files.path().join("tls.key"), issued.key_pem).unwrap();
}

fn client_of(ca: &Ca, change: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Client {
    let root = Certificate::from_pem(ca.cert_pem().as_bytes()).unwrap();
    let builder = Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .tls_certs_only([root]);
    change(builder).build().unwrap()
}

#[tokio::test]
async fn rest_is_served_over_http_2_and_http_1_1_by_alpn() {
    let https = Https::start().await;
    let http1 = client_of(&https.ca, ClientBuilder::http1_only);
    for (client, version) in [
        (client_of(&https.ca, |builder| builder), Version::HTTP_2),
        (http1, Version::HTTP_11),
    ] {
        let response = send(https.get(&client, &format!("/v1/bookings/{VEHICLE}"))).await;
        assert_eq!((response.status().as_u16(), response.version()), (200, version));
        assert_eq!(
            header(&response, HSTS),
            Some("max-age=63072000; includeSubDomains")
        );
    }
}

#[tokio::test]
async fn streams_connect_and_grpc_web_are_served_over_tls() {
    let https = Https::start().await;
    let client = client_of(&https.ca, |builder| builder);
    let events = client.get(https.url("/v1/notifications/stream"));
    let mut events = send(events.bearer_auth(https.gateway.token("host"))).await;
    let mut text = String::new();
    while !text.contains("event: notification") {
        let chunk = timeout(TIMEOUT, events.chunk()).await.expect("an event");
        text += &String::from_utf8_lossy(&chunk.unwrap().expect("an open stream"));
    }

    let message = GetBookingRequest {
        booking_id: VEHICLE.into(),
    };
    let post = |content_type: &str, body: Vec<u8>| {
        let request = client.post(https.url(GET)).header("content-type", content_type);
        send(request.bearer_auth(https.gateway.token("guest")).body(body))
    };
    let connect = post(
        "application/json",
        json!({ "bookingId": VEHICLE }).to_string().into(),
    )
    .await;
    let (status, reply) = into_json(connect).await;
    assert_eq!((status, &reply["id"]), (200, &json!(VEHICLE)));

    let bytes = message.encode_to_vec();
    let framed = [&[0, 0, 0, 0, u8::try_from(bytes.len()).unwrap()], &bytes[..]].concat();
    let web = post("application/grpc-web+proto", framed)
        .await
        .bytes()
        .await
        .unwrap();
    let length = usize::from(web[4]);
    assert_eq!(Booking::decode(&web[5..5 + length]).unwrap().id, VEHICLE);
}

#[tokio::test]
async fn native_grpc_is_served_over_tls() {
    let https = Https::start().await;
    let channel = https.channel().await;
    let request = https.gateway.grpc_request("guest", booking("hello"));
    let created = BookingServiceClient::new(channel.clone())
        .create_booking(request)
        .await;
    assert_eq!(created.unwrap().into_inner().id, "b-1");
    let request = https.gateway.grpc_request("host", SubscribeRequest::default());
    let stream = NotificationServiceClient::new(channel).subscribe(request).await;
    let message = timeout(TIMEOUT, stream.unwrap().into_inner().message()).await;
    assert_eq!(message.expect("a message").unwrap().unwrap().cursor, "1");
}

#[tokio::test]
async fn plain_port_redirects_rest_refuses_rpcs_and_answers_probes() {
    let https = Https::start().await;
    let client = client_of(&https.ca, |builder| builder);
    let plain = |method: Method, path: &str| {
        client.request(method, format!("http://{}{path}", https.gateway.address))
    };
    let redirected = send(plain(Method::POST, "/v1/auth/login?a=b").body("{}")).await;
    let port = https.address.port();
    assert_eq!(redirected.status().as_u16(), 308);
    assert_eq!(
        header(&redirected, "location"),
        Some(format!("https://localhost:{port}/v1/auth/login?a=b").as_str())
    );
    assert_eq!(header(&redirected, HSTS), None);
    assert_eq!(send(plain(Method::GET, "/healthz")).await.status().as_u16(), 200);

    let request = https.gateway.grpc_request("guest", booking("hello"));
    let channel = https.gateway.channel().await;
    let refused = BookingServiceClient::new(channel)
        .create_booking(request)
        .await
        .unwrap_err();
    let reason = refused.get_details_error_info().expect("details").reason;
    assert_eq!(
        (refused.code(), reason.as_str()),
        (Code::FailedPrecondition, "HTTPS_REQUIRED")
    );
    let connect = plain(Method::POST, GET).header("content-type", "application/json");
    let (_, problem) = into_json(send(connect.body("{}")).await).await;
    assert_eq!(problem["code"], "failed_precondition");
    assert_eq!(https.gateway.services.calls(), 0);
}

#[tokio::test]
async fn port_behind_a_proxy_is_served_like_the_https_port() {
    let https = Https::start_with(|config| config.service.edge.behind_https_proxy = true).await;
    let plain = https
        .gateway
        .request("guest", Method::GET, &format!("/v1/bookings/{VEHICLE}"));
    let response = send(plain).await;
    assert_eq!(response.status().as_u16(), 200);
    assert!(header(&response, HSTS).is_some());
}

#[tokio::test]
async fn tls_1_2_is_refused_unless_it_is_configured() {
    for (min_version, is_served) in [(TlsVersion::V1_3, false), (TlsVersion::V1_2, true)] {
        let https = Https::start_with(|config| config.service.https.min_version = min_version).await;
        let old = client_of(&https.ca, |builder| {
            builder.tls_version_max(reqwest::tls::Version::TLS_1_2)
        });
        let answered = https.get(&old, "/healthz").send().await;
        assert_eq!(answered.is_ok(), is_served, "{min_version:?}");
    }
}

#[tokio::test]
async fn replaced_certificate_is_used_by_new_connections_and_open_ones_continue() {
    let https = Https::start().await;
    let open = client_of(&https.ca, |builder| builder);
    assert!(https.get(&open, "/healthz").send().await.is_ok());
    let renewed = Ca::new().unwrap();
    write(&https.files, &renewed);
    eventually_true(TIMEOUT, async || {
        https.gateway.clock.advance(Duration::from_secs(5));
        let client = client_of(&renewed, |builder| builder);
        https.get(&client, "/healthz").send().await.is_ok()
    })
    .await;
    assert!(https.get(&open, "/healthz").send().await.is_ok());
}

#[tokio::test]
async fn unfinished_handshakes_are_counted_as_connections_of_their_address() {
    let https = Https::start_with(|config| config.service.limits.connections_by_address = 2).await;
    let addresses = [https.address, https.gateway.address];
    // A connection of the start may still count at first.
    let silent = eventually(TIMEOUT, || async move {
        let silent = futures::future::try_join_all(addresses.map(TcpStream::connect)).await;
        let mut third = TcpStream::connect(addresses[0]).await.unwrap();
        let closed = timeout(Duration::from_millis(200), third.read(&mut [0; 1])).await;
        closed.is_ok().then_some(silent.unwrap())
    })
    .await;
    let client = client_of(&https.ca, |builder| builder);
    assert!(https.get(&client, "/healthz").send().await.is_err());
    drop(silent);
    eventually_true(TIMEOUT, async || {
        https.get(&client, "/healthz").send().await.is_ok()
    })
    .await;
}
