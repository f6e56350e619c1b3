//! Calls between services over mutual TLS and in memory: the same results.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use carshare_chassis::client::{self, PeerChannel};
use carshare_chassis::config::{Common, Peer, Tls};
use carshare_chassis::identity::Caller;
use carshare_chassis::rpc::CallContext;
use carshare_chassis::{Environment, Error, LocalNetwork, Server, Shutdown};
use carshare_proto::auth::v1::LoginRequest;
use carshare_proto::auth::v1::auth_service_client::AuthServiceClient;
use carshare_proto::notification::v1::SubscribeRequest;
use carshare_proto::notification::v1::notification_service_client::NotificationServiceClient;
use carshare_proto::vehicle::v1::ErrorReason as Vehicle;
use carshare_proto::vehicle::v1::ReleaseHoldRequest;
use carshare_proto::vehicle::v1::vehicle_service_client::VehicleServiceClient;
use carshare_testkit::{Ca, eventually};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tonic::{Code, Request};

use crate::fake::{self, Behaviour};
use crate::harness::{USER, certificate, facts, named, with_token};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transport {
    Tls,
    Memory,
}

const BOTH: [Transport; 2] = [Transport::Tls, Transport::Memory];

/// The service `fake` and the means to call it as another service.
struct Mesh {
    ca: Ca,
    network: LocalNetwork,
    uri: String,
    tokens: carshare_testkit::Tokens,
    shutdown: Shutdown,
    served: JoinHandle<anyhow::Result<()>>,
}

impl Mesh {
    async fn start(transport: Transport, behaviour: &Behaviour) -> Self {
        let (ca, network) = (Ca::new().unwrap(), LocalNetwork::default());
        let tokens = carshare_testkit::Tokens::new().unwrap();
        let (listener, uri, tls) = match transport {
            Transport::Memory => (None, "memory://fake".to_owned(), Tls::default()),
            Transport::Tls => {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let uri = format!("https://{}", listener.local_addr().unwrap());
                (Some(listener), uri, certificate(&ca, "fake"))
            }
        };
        let common = Common {
            tls,
            ..Common::default()
        };
        let environment = match transport {
            Transport::Memory => Environment::system().with_local(network.node("fake")),
            Transport::Tls => Environment::system(),
        };
        let keys = carshare_chassis::identity::StaticJwks::from_json(&tokens.jwks()).unwrap();
        let server = fake::add_to(Server::new("fake", &common, environment).jwks(keys), behaviour);
        let shutdown = Shutdown::new();
        let served = carshare_chassis::task::spawn("fake", server.serve(listener, shutdown.clone()));
        Self {
            ca,
            network,
            uri,
            tokens,
            shutdown,
            served,
        }
    }

    /// Returns the channel of the service `caller`.
    fn channel(&self, caller: &str) -> PeerChannel {
        let peer = Peer {
            server_name: Some("fake".to_owned()),
            ..Peer::at(&self.uri)
        };
        let environment = Environment::system().with_local(self.network.node(caller));
        client::connect("fake", &peer, &certificate(&self.ca, caller), environment).unwrap()
    }

    fn vehicle(&self, caller: &str) -> VehicleServiceClient<PeerChannel> {
        VehicleServiceClient::new(self.channel(caller))
    }

    async fn stop(self) {
        self.shutdown.trigger();
        self.served.await.unwrap().unwrap();
    }
}

fn hold() -> Request<ReleaseHoldRequest> {
    Request::new(ReleaseHoldRequest {
        booking_id: USER.to_string(),
    })
}

fn login() -> LoginRequest {
    LoginRequest {
        email: "guest@example.com".into(),
        password: "correct horse".into(),
        mfa_code: None,
    }
}

/// Never responds. Notifies when its call has begun and when it is dropped.
fn hanging() -> (Behaviour, Arc<Notify>, Arc<Notify>) {
    struct NotifyOnDrop(Arc<Notify>);
    impl Drop for NotifyOnDrop {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let (begun, dropped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (notify_begun, notify_dropped) = (Arc::clone(&begun), Arc::clone(&dropped));
    let behaviour = Behaviour::new(move |_: CallContext| {
        let guard = NotifyOnDrop(Arc::clone(&notify_dropped));
        notify_begun.notify_one();
        async move {
            let _guard = guard;
            pending().await
        }
    });
    (behaviour, begun, dropped)
}

#[tokio::test]
async fn internal_rpc_allows_the_named_services_only_and_no_header_names_one() {
    for transport in BOTH {
        let (behaviour, mut contexts) = Behaviour::recording();
        let mesh = Mesh::start(transport, &behaviour).await;
        mesh.vehicle("booking").release_hold(hold()).await.unwrap();
        let caller = contexts.recv().await.unwrap().caller;
        assert_eq!(caller, Caller::Service("booking".to_owned()), "{transport:?}");
        let mut request = hold();
        request
            .metadata_mut()
            .insert("x-carshare-peer", "booking".parse().unwrap());
        let status = mesh.vehicle("gateway").release_hold(request).await.unwrap_err();
        let expected = (Code::PermissionDenied, named("PERMISSION_DENIED", "AUTH003"));
        assert_eq!((status.code(), facts(&status)), expected, "{transport:?}");
        mesh.stop().await;
    }
}

#[tokio::test]
async fn error_has_its_details_and_a_message_above_the_limit_is_refused() {
    for transport in BOTH {
        let behaviour =
            Behaviour::new(|_| async { Err(Error::new(Vehicle::VehicleNotFound).with("a", "b")) });
        let mesh = Mesh::start(transport, &behaviour).await;
        let status = mesh.vehicle("booking").release_hold(hold()).await.unwrap_err();
        let code = &Error::new(Vehicle::VehicleNotFound).spec().code;
        assert_eq!(facts(&status), named("VEHICLE_NOT_FOUND", code), "{transport:?}");
        let mut auth = AuthServiceClient::new(mesh.channel("booking"));
        let large = LoginRequest {
            password: "x".repeat(4 << 20),
            ..login()
        };
        let status = auth.login(large).await.unwrap_err();
        assert_eq!(facts(&status), named("TOO_LARGE", "COMMON009"), "{transport:?}");
        let status = auth.login(LoginRequest::default()).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{transport:?}");
        mesh.stop().await;
    }
}

#[tokio::test]
async fn deadline_ends_the_call_and_the_handler() {
    for transport in BOTH {
        let (behaviour, _, dropped) = hanging();
        let mesh = Mesh::start(transport, &behaviour).await;
        let mut request = hold();
        request.set_timeout(Duration::from_secs(2));
        let status = mesh.vehicle("booking").release_hold(request).await.unwrap_err();
        assert_eq!(status.code(), Code::DeadlineExceeded, "{transport:?}");
        dropped.notified().await;
        mesh.stop().await;
    }
}

#[tokio::test]
async fn dropped_call_cancels_the_handler() {
    for transport in BOTH {
        let (behaviour, begun, dropped) = hanging();
        let mesh = Mesh::start(transport, &behaviour).await;
        let mut vehicle = mesh.vehicle("booking");
        tokio::select! {
            _ = vehicle.release_hold(hold()) => panic!("the handler never responds"),
            () = begun.notified() => {}
        }
        dropped.notified().await;
        mesh.stop().await;
    }
}

#[tokio::test]
async fn stream_sends_messages_and_ends_in_a_drain() {
    for transport in BOTH {
        let mesh = Mesh::start(transport, &Behaviour::ok()).await;
        let token = mesh.tokens.mint("guest", USER, Environment::system().clock.now());
        let mut notifications = NotificationServiceClient::new(mesh.channel("gateway"));
        let request = with_token(SubscribeRequest::default(), &token);
        let mut stream = notifications.subscribe(request).await.unwrap().into_inner();
        assert!(stream.message().await.unwrap().is_some(), "{transport:?}");
        mesh.shutdown.trigger();
        let status = stream.message().await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable, "{transport:?}");
        drop(stream);
        mesh.stop().await;
    }
}

#[tokio::test]
async fn drain_waits_for_a_running_call_in_memory_and_later_calls_are_unavailable() {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (notify, wait) = (Arc::clone(&begun), Arc::clone(&go_on));
    let behaviour = Behaviour::new(move |_| {
        let (notify, wait) = (Arc::clone(&notify), Arc::clone(&wait));
        async move {
            notify.notify_one();
            wait.notified().await;
            Ok(())
        }
    });
    let mesh = Mesh::start(Transport::Memory, &behaviour).await;
    let (mut running, later) = (mesh.vehicle("booking"), mesh.vehicle("booking"));
    let running = async { running.release_hold(hold()).await };
    let draining = async {
        begun.notified().await;
        mesh.shutdown.trigger();
        // A call that comes before the drain begins waits for the handler.
        let refused = eventually(Duration::from_secs(10), async || {
            let mut request = hold();
            request.set_timeout(Duration::from_millis(100));
            let status = later.clone().release_hold(request).await.unwrap_err();
            (status.code() == Code::Unavailable).then_some(status)
        });
        assert_eq!(facts(&refused.await), named("UNAVAILABLE", "COMMON005"));
        assert!(!mesh.served.is_finished());
        go_on.notify_one();
    };
    let (finished, ()) = tokio::join!(running, draining);
    finished.unwrap();
    mesh.served.await.unwrap().unwrap();
    let status = later.clone().release_hold(hold()).await.unwrap_err();
    assert_eq!(facts(&status), named("UNAVAILABLE", "COMMON005"));
}

#[tokio::test]
async fn memory_uri_is_refused_in_a_process_with_one_service() {
    let peer = Peer::at("memory://vehicle");
    let error = client::connect("vehicle", &peer, &Tls::default(), Environment::system()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "memory://vehicle/: this process hosts one service only"
    );
}
