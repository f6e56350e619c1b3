//! A running auth service with its own database and Redis, and a manual clock.

use std::time::Duration;

use carshare_auth::Config;
use carshare_chassis::config::{ServiceConfig, Sources, load};
use carshare_chassis::service::{Roles, Service};
use carshare_chassis::{Environment, ManualClock, Shutdown, task};
use carshare_proto::auth::v1::auth_service_client::AuthServiceClient;
use carshare_proto::auth::v1::*;
use carshare_proto::options::v1::Role;
use carshare_store::{Runner, StoreService as _};
use carshare_testkit::{Database, eventually, eventually_true, redis_url};
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

/// Time at the start of every test.
pub const START: &str = "2026-11-22T12:00:00.123456Z";
pub const TIMEOUT: Duration = Duration::from_secs(20);
pub const PASSWORD: &str = "correct horse 11";

pub struct Replica {
    pub client: AuthServiceClient<Channel>,
    pub clock: ManualClock,
    pub config: ServiceConfig<Config>,
    shutdown: Shutdown,
    serving: JoinHandle<anyhow::Result<()>>,
}

/// A replica with its own database.
pub struct Auth {
    pub replica: Replica,
    pub database: Database,
    pub sql: PgPool,
}

pub async fn database() -> Database {
    Database::create("auth", |url| async move {
        carshare_store::migrate(
            &carshare_store::config::Database::at(url),
            carshare_auth::Auth::migrator(),
        )
        .await
    })
    .await
}

/// Returns the default configuration with its required keys and cheap password hashes.
pub fn config(database_url: &str, redis_url: &str) -> ServiceConfig<Config> {
    let env = environment(database_url, redis_url);
    load(Sources {
        service: "auth",
        defaults: carshare_auth::Auth::DEFAULTS,
        file: None,
        env,
    })
    .unwrap()
}

pub fn environment(database_url: &str, redis_url: &str) -> Vec<(String, String)> {
    let variables = [
        ("AUTH__DATABASE__URL", database_url),
        ("AUTH__REDIS__URL", redis_url),
        ("AUTH__SEAL__PRIMARY", "test"),
        (
            "AUTH__SEAL__KEYS",
            r#"{ test = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=" }"#,
        ),
        ("AUTH__TLS__INSECURE", "true"),
        ("AUTH__ADMIN__LISTEN", "127.0.0.1:0"),
        ("AUTH__PASSWORDS__BCRYPT_COST", "4"),
    ];
    variables
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
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

    pub async fn register(&self, email: &str) -> AuthResponse {
        self.client().register(guest(email)).await.unwrap().into_inner()
    }

    pub async fn login(&self, email: &str) -> AuthResponse {
        let request = LoginRequest {
            email: email.into(),
            password: PASSWORD.into(),
        };
        self.client().login(request).await.unwrap().into_inner()
    }

    pub async fn refresh(&self, token: &str) -> Result<AuthResponse, Status> {
        let request = RefreshRequest {
            refresh_token: token.into(),
        };
        self.client()
            .refresh(request)
            .await
            .map(tonic::Response::into_inner)
    }

    pub async fn me(&self, access_token: &str) -> Result<User, Status> {
        let request = bearer(GetMeRequest {}, access_token);
        self.client()
            .get_me(request)
            .await
            .map(tonic::Response::into_inner)
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

    /// Waits until all events are sent, then shuts the service down.
    pub async fn finish(self) {
        eventually_true(TIMEOUT, || async {
            let unsent = sqlx::query_scalar("SELECT count(*) FROM outbox WHERE sent_at IS NULL");
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
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}", listener.local_addr().unwrap());
        let shutdown = Shutdown::new();
        let serve = Runner::<carshare_auth::Auth>::serve(
            config.clone(),
            environment,
            Some(listener),
            shutdown.clone(),
            Roles::ALL,
        );
        let serving = task::spawn("auth", serve);
        let endpoint = Endpoint::from_shared(uri).unwrap();
        let channel = eventually(TIMEOUT, || async { endpoint.connect().await.ok() }).await;
        Self {
            client: AuthServiceClient::new(channel),
            clock,
            config,
            shutdown,
            serving,
        }
    }

    pub async fn finish(self) {
        drop(self.client);
        self.shutdown.trigger();
        self.serving.await.unwrap().unwrap();
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
    let mut request = Request::new(message);
    request
        .metadata_mut()
        .insert("authorization", format!("Bearer {access_token}").parse().unwrap());
    request
}

pub fn keyed<T>(message: T, key: &str) -> Request<T> {
    let mut request = Request::new(message);
    request
        .metadata_mut()
        .insert("idempotency-key", key.parse().unwrap());
    request
}

/// Returns the status code, the reason and the catalogue code of an error.
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

/// Returns the claims of a token without verifying it.
pub fn claims(access_token: &str) -> serde_json::Value {
    jsonwebtoken::dangerous::insecure_decode(access_token)
        .unwrap()
        .claims
}
