//! Services of the contract whose RPCs run a function of the test and respond with an empty message.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context as Poller, Poll};

use carshare_chassis::request_context::RequestContext;
use carshare_chassis::rpc::{self, CallContext};
use carshare_chassis::{Error, Server};
use carshare_proto::auth::v1 as auth;
use carshare_proto::codec::ValidatingCodec;
use carshare_proto::notification::v1 as notification;
use carshare_proto::payment::v1 as payment;
use carshare_proto::vehicle::v1 as vehicle;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use http::{Request, Response};
use prost_reflect::ReflectMessage;
use tonic::Status;
use tonic::body::Body;
use tonic::codec::CompressionEncoding;
use tonic::server::{Grpc, NamedService};
use tower::{Service, service_fn};

/// Function that all handlers run.
#[derive(Clone)]
pub struct Behaviour(Arc<dyn Fn(CallContext) -> BoxFuture<'static, Result<(), Error>> + Send + Sync>);

impl Behaviour {
    pub fn new<F, Fut>(handle: F) -> Self
    where
        F: Fn(CallContext) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Error>> + Send + 'static,
    {
        Self(Arc::new(move |context| handle(context).boxed()))
    }

    pub fn ok() -> Self {
        Self::new(|_| async { Ok(()) })
    }

    /// Succeeds and sends the contexts of its calls.
    pub fn recording() -> (Self, tokio::sync::mpsc::UnboundedReceiver<CallContext>) {
        let (sender, contexts) = tokio::sync::mpsc::unbounded_channel();
        let behaviour = Self::new(move |context| {
            sender.send(context).unwrap();
            async { Ok(()) }
        });
        (behaviour, contexts)
    }
}

async fn handle<Req, Rep: Default>(
    behaviour: &Behaviour,
    context: CallContext,
    _: Req,
) -> Result<Rep, Error> {
    (behaviour.0)(context).await.map(|()| Rep::default())
}

/// The cursor that makes the stream panic after its first message.
pub const PANICS: &str = "panic";

/// Sends one message, whose cursor is the correlation id of its request context. Only the caller, the deadline or a drain ends it.
async fn subscribe(
    behaviour: &Behaviour,
    context: CallContext,
    request: notification::SubscribeRequest,
) -> Result<impl futures::Stream<Item = Result<notification::SubscribeResponse, Error>> + use<>, Error> {
    (behaviour.0)(context).await?;
    let first = futures::stream::once(async {
        let cursor = RequestContext::current()
            .map(|context| context.correlation_id().to_owned())
            .unwrap_or_default();
        Ok(notification::SubscribeResponse { cursor, event: None })
    });
    let rest = futures::stream::once(async move {
        assert_ne!(request.cursor, PANICS, "hunter2");
        std::future::pending().await
    });
    Ok(first.chain(rest))
}

async fn unary<Req, Rep>(behaviour: Behaviour, request: Request<Body>) -> Response<Body>
where
    Req: prost::Message + ReflectMessage + Default + Sync + 'static,
    Rep: prost::Message + Default + Sync + 'static,
{
    let handler = service_fn(move |request| {
        let behaviour = behaviour.clone();
        async move { rpc::unary(&behaviour, request, handle::<Req, Rep>).await }
    });
    Grpc::new(ValidatingCodec::<Rep, Req>::default())
        .accept_compressed(CompressionEncoding::Gzip)
        .unary(handler, request)
        .await
}

async fn stream(behaviour: Behaviour, request: Request<Body>) -> Response<Body> {
    let handler = service_fn(move |request| {
        let behaviour = behaviour.clone();
        async move { rpc::server_stream(&behaviour, request, subscribe).await }
    });
    let codec = ValidatingCodec::<notification::SubscribeResponse, notification::SubscribeRequest>::default();
    Grpc::new(codec).server_streaming(handler, request).await
}

async fn dispatch(behaviour: Behaviour, request: Request<Body>) -> Response<Body> {
    match request.uri().path() {
        "/carshare.auth.v1.AuthService/Login" => {
            unary::<auth::LoginRequest, auth::AuthResponse>(behaviour, request).await
        }
        "/carshare.auth.v1.AuthService/GetMe" => {
            unary::<auth::GetMeRequest, auth::User>(behaviour, request).await
        }
        "/carshare.payment.v1.PaymentService/GetPaymentCustomer" => {
            unary::<payment::GetPaymentCustomerRequest, payment::PaymentCustomer>(behaviour, request).await
        }
        "/carshare.vehicle.v1.VehicleService/ReleaseHold" => {
            unary::<vehicle::ReleaseHoldRequest, vehicle::ReleaseHoldResponse>(behaviour, request).await
        }
        "/carshare.notification.v1.NotificationService/Subscribe" => stream(behaviour, request).await,
        _ => Status::unimplemented("no fake").into_http(),
    }
}

macro_rules! fake {
    ($name:ident, $service:literal) => {
        #[derive(Clone)]
        struct $name(Behaviour);

        impl NamedService for $name {
            const NAME: &'static str = $service;
        }

        impl Service<Request<Body>> for $name {
            type Response = Response<Body>;
            type Error = Infallible;
            type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

            fn poll_ready(&mut self, _: &mut Poller<'_>) -> Poll<Result<(), Infallible>> {
                Poll::Ready(Ok(()))
            }

            fn call(&mut self, request: Request<Body>) -> Self::Future {
                dispatch(self.0.clone(), request).map(Ok).boxed()
            }
        }
    };
}

fake!(Auth, "carshare.auth.v1.AuthService");
fake!(Payment, "carshare.payment.v1.PaymentService");
fake!(Vehicle, "carshare.vehicle.v1.VehicleService");
fake!(Notification, "carshare.notification.v1.NotificationService");
fake!(Unknown, "carshare.elsewhere.v1.ElsewhereService");

/// Adds all services, and one outside the contract.
pub fn add_to(server: Server, behaviour: &Behaviour) -> Server {
    server
        .add(Auth(behaviour.clone()))
        .add(Payment(behaviour.clone()))
        .add(Vehicle(behaviour.clone()))
        .add(Notification(behaviour.clone()))
        .add(Unknown(behaviour.clone()))
}
