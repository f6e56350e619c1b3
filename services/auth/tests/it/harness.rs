//! Test harness: replicas of the service, and one with its own database.

use carshare_auth::Config;
use carshare_chassis::config::ServiceConfig;
use carshare_chassis::rpc::CLIENT_ADDRESS;
use carshare_chassis::{Environment, ManualClock};
use carshare_proto::auth::export::v1::export_service_client::ExportServiceClient;
use carshare_proto::auth::v1::account_service_client::AccountServiceClient;
use carshare_proto::auth::v1::auth_service_client::AuthServiceClient;
use carshare_proto::auth::v1::email_service_client::EmailServiceClient;
use carshare_proto::auth::v1::mfa_service_client::MfaServiceClient;
use carshare_proto::auth::v1::*;
use carshare_proto::options::v1::Role;
use carshare_service_testkit::{
    Instance, into_message, load_config, wait_until, with_idempotency_key, with_metadata,
};
use carshare_testkit::{Database, redis_url};
use prost::Message as _;
use sqlx::PgPool;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

pub use carshare_service_testkit::WAIT_TIMEOUT as TIMEOUT;

/// Time at which every test starts.
pub const START: &str = "2026-11-22T12:00:00.123456Z";
pub const PASSWORD: &str = "correct horse 11";

pub struct Replica {
    pub client: AuthServiceClient<Channel>,
    pub mfa: MfaServiceClient<Channel>,
    pub clock: ManualClock,
    pub config: ServiceConfig<Config>,
    instance: Instance,
}

/// A replica with a fresh database.
pub struct Auth {
    pub replica: Replica,
    pub database: Database,
    pub sql: PgPool,
}

pub async fn database() -> Database {
    carshare_service_testkit::database::<carshare_auth::Auth>(&[]).await
}

/// The embedded defaults, with cheap passwords.
pub fn config(database_url: &str, redis_url: &str) -> ServiceConfig<Config> {
    load_config::<carshare_auth::Auth>(settings(database_url, redis_url))
}

pub fn settings(database_url: &str, redis_url: &str) -> Vec<(String, String)> {
    let settings = [
        ("DATABASE__URL", database_url),
        ("REDIS__URL", redis_url),
        ("SEAL__PRIMARY", "test"),
        (
            "SEAL__KEYS",
            r#"{ test = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=" }"#,
        ),
        ("TLS__INSECURE", "true"),
        ("ADMIN__LISTEN", "127.0.0.1:0"),
        ("PASSWORDS__BCRYPT_COST", "4"),
        ("LOGIN__FAILURE_MS", "0"),
        ("MAIL__ENCRYPTION", "none"),
        ("OBJECTS__ENDPOINT", "http://127.0.0.1:9"),
        ("OBJECTS__BUCKET", "profiles"),
        ("OBJECTS__ACCESS_KEY", "test"),
        ("OBJECTS__SECRET_KEY", "test"),
        ("PUBLISHERS__BOOKING__URI", "http://127.0.0.1:9"),
        ("VEHICLE__URI", "http://127.0.0.1:9"),
        ("BOOKING__URI", "http://127.0.0.1:9"),
        ("PAYMENT__URI", "http://127.0.0.1:9"),
        ("NOTIFICATION__URI", "http://127.0.0.1:9"),
    ];
    settings
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

/// The same configuration as environment variables of a process.
pub fn environment(database_url: &str, redis_url: &str) -> Vec<(String, String)> {
    let settings = settings(database_url, redis_url).into_iter();
    settings
        .map(|(name, value)| (format!("AUTH__{name}"), value))
        .collect()
}

impl Auth {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let database = database().await;
        let mut config = config(&database.url(), &redis_url().await);
        change(&mut config.service);
        let sql = PgPool::connect(&database.url()).await.unwrap();
        Self {
            replica: Replica::start(config, 1).await,
            database,
            sql,
        }
    }

    pub fn client(&self) -> AuthServiceClient<Channel> {
        self.replica.client.clone()
    }

    pub fn accounts(&self) -> AccountServiceClient<Channel> {
        AccountServiceClient::new(self.replica.instance.channel())
    }

    pub fn exports(&self) -> ExportServiceClient<Channel> {
        ExportServiceClient::new(self.replica.instance.channel())
    }

    pub async fn register(&self, email: &str) -> AuthResponse {
        self.client().register(guest(email)).await.unwrap().into_inner()
    }

    pub async fn login(&self, email: &str) -> AuthResponse {
        let request = LoginRequest {
            email: email.into(),
            password: PASSWORD.into(),
            mfa_code: None,
        };
        self.client().login(request).await.unwrap().into_inner()
    }

    pub async fn refresh(&self, token: &str) -> Result<AuthResponse, Status> {
        let request = RefreshRequest {
            refresh_token: token.into(),
        };
        into_message(self.client().refresh(request).await)
    }

    pub async fn me(&self, access_token: &str) -> Result<User, Status> {
        let request = bearer(GetMeRequest {}, access_token);
        into_message(self.client().get_me(request).await)
    }

    pub async fn logout(&self, access_token: &str) -> Result<(), Status> {
        self.client()
            .logout(bearer(LogoutRequest {}, access_token))
            .await
            .map(|_| ())
    }

    pub async fn redis(&self) -> redis::aio::MultiplexedConnection {
        let client = redis::Client::open(self.replica.config.service.redis.url.expose()).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }

    pub async fn count(&self, table: &'static str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_one(&self.sql)
            .await
            .unwrap()
    }

    /// Returns the names of the published events of a key, in order.
    pub async fn event_names(&self, key: &str) -> Vec<String> {
        let names = sqlx::query_scalar("SELECT name FROM outbox WHERE key = $1 ORDER BY seq").bind(key);
        names.fetch_all(&self.sql).await.unwrap()
    }

    /// Returns the ids of sessions whose end was published, in order.
    pub async fn ended_sessions(&self) -> Vec<String> {
        let data = sqlx::query_scalar("SELECT data FROM outbox WHERE name = 'session.ended' ORDER BY seq");
        let data: Vec<Vec<u8>> = data.fetch_all(&self.sql).await.unwrap();
        let events = data
            .iter()
            .map(|data| SessionEnded::decode(data.as_slice()).unwrap());
        events.map(|event| event.session_id).collect()
    }

    /// Ends the test: waits until every event has been sent, then shuts the service down gracefully.
    pub async fn finish(self) {
        wait_until(|| async {
            let unsent = sqlx::query_scalar("SELECT count(*) FROM outbox WHERE position IS NULL");
            unsent
                .fetch_one(&self.sql)
                .await
                .is_ok_and(|unsent: i64| unsent == 0)
        })
        .await;
        self.replica.finish().await;
    }
}

impl Replica {
    pub async fn start(config: ServiceConfig<Config>, seed: u64) -> Self {
        let (environment, clock) = Environment::manual(START.parse().unwrap(), seed);
        let instance = Instance::start::<carshare_auth::Auth>(config.clone(), environment).await;
        Self {
            client: AuthServiceClient::new(instance.channel()),
            mfa: MfaServiceClient::new(instance.channel()),
            clock,
            config,
            instance,
        }
    }

    pub fn emails(&self) -> EmailServiceClient<Channel> {
        EmailServiceClient::new(self.instance.channel())
    }

    pub async fn finish(self) {
        drop((self.client, self.mfa));
        self.instance.stop().await;
    }
}

pub fn guest(email: &str) -> RegisterRequest {
    RegisterRequest {
        email: email.into(),
        password: PASSWORD.into(),
        name: "김민지".into(),
        phone: "010-1234-5678".into(),
        role: Role::Guest.into(),
    }
}

pub fn bearer<T>(message: T, access_token: &str) -> Request<T> {
    authorized(Request::new(message), access_token)
}

/// Returns the request as the gateway passes on that of a client with this address.
pub fn from_address<T>(message: T, address: &str) -> Request<T> {
    let request = with_metadata(Request::new(message), "x-carshare-peer", "gateway");
    with_metadata(request, CLIENT_ADDRESS, address)
}

pub fn authorized<T>(request: Request<T>, access_token: &str) -> Request<T> {
    with_metadata(request, "authorization", &format!("Bearer {access_token}"))
}

pub fn keyed<T>(message: T, key: &str) -> Request<T> {
    with_idempotency_key(Request::new(message), key)
}

/// Returns the gRPC code, reason and catalogue code of an error.
pub fn error_info(status: &Status) -> (Code, String, String) {
    let info = status
        .get_details_error_info()
        .unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
    (status.code(), info.reason, info.metadata["code"].clone())
}

#[track_caller]
pub fn assert_error<T: std::fmt::Debug>(result: Result<T, Status>, code: Code, reason: &str, number: &str) {
    assert_eq!(
        error_info(&result.unwrap_err()),
        (code, reason.to_owned(), number.to_owned())
    );
}

/// Returns the session of an access token.
pub fn session_id(access_token: &str) -> String {
    claims(access_token)["sid"].as_str().unwrap().to_owned()
}

/// Returns the claims of a token without verifying it.
pub fn claims(access_token: &str) -> serde_json::Value {
    jsonwebtoken::dangerous::insecure_decode(access_token)
        .unwrap()
        .claims
}
