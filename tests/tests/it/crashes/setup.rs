//! A fleet with a host, a car and a guest, and the ways to die on it.

use carshare_mesh::{Fleet, Options};
use carshare_testkit::process::built;
use carshare_testkit::{TempDir, eventually_true};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Guest, Host, Rest, Sql, TIMEOUT, Table, on_shared_servers};

/// Every process of the fleet.
pub const EVERYBODY: [&str; 6] = ["auth", "vehicle", "booking", "payment", "notification", "gateway"];

/// A fleet with its people, for any number of journeys.
pub struct Setup {
    pub fleet: Fleet,
    pub sql: Sql,
    pub host: Host,
    pub guest: Guest,
    pub car: String,
}

/// Waits that would only be waited for, made short; hashing passwords is not the subject.
const SHORT: [(&str, &str); 4] = [
    ("PAYMENT__WORKER__CLAIM_TIMEOUT_MS", "1000"),
    ("PAYMENT__WORKER__POLL_INTERVAL_MS", "200"),
    // Between a lost answer and the next attempt there is time to die in.
    ("PAYMENT__TOSS__HTTP__BACKOFF_MS", "600"),
    ("AUTH__PASSWORDS__BCRYPT_COST", "6"),
];

impl Setup {
    /// On the servers that all tests share.
    pub async fn set() -> Self {
        Self::with(Options::temporary()).await
    }

    /// On PostgreSQL and Redis of its own, which can be killed. They live in the folder.
    pub async fn on_own_servers() -> (Self, TempDir) {
        let folder = TempDir::create("crashes").expect("a folder");
        let options = Options {
            data: Some(folder.path().to_owned()),
            ..Options::temporary()
        };
        (Self::with(options).await, folder)
    }

    async fn with(options: Options) -> Self {
        let gateway = built("carshare-gateway").expect("`make test` builds the binaries first");
        let binaries = gateway.parent().expect("a folder").to_owned();
        let options = SHORT
            .iter()
            .fold(options, |options, (name, value)| options.with_env(name, value));
        let options = on_shared_servers(options).await;
        let fleet = Fleet::start(options, binaries).await.expect("the fleet starts");
        let (host, guest) = (Host::register(&fleet).await, Guest::with_card(&fleet).await);
        let car = host.car().await;
        Self {
            sql: Sql::of(&fleet),
            fleet,
            host,
            guest,
            car,
        }
    }

    /// Makes a call; the victims die while it waits at the door of a table, in the middle of its transaction.
    pub async fn dying_at(&mut self, door: Table, victims: &[&'static str], call: Call) -> Answer {
        let frozen = self.sql.freeze(door).await;
        let fleet = &mut self.fleet;
        let dying = async {
            eventually_true(TIMEOUT, || async { frozen.waiting().await > 0 }).await;
            kill_and_start(fleet, victims);
            frozen.thaw().await;
        };
        let (answer, ()) = tokio::join!(call.made(), dying);
        answer
    }

    /// The victims die, and are started again.
    pub fn die(&mut self, victims: &[&'static str]) {
        kill_and_start(&mut self.fleet, victims);
    }
}

/// All die before the first is back.
pub fn kill_and_start(fleet: &mut Fleet, victims: &[&'static str]) {
    for victim in victims {
        fleet.kill(victim).expect("it runs");
    }
    for victim in victims {
        fleet.spawn(victim).expect("it starts");
    }
}

/// A call that an app insists on.
pub struct Call {
    rest: Rest,
    method: Method,
    path: String,
    body: Value,
}

impl Call {
    pub fn post(rest: &Rest, path: impl Into<String>, body: Value) -> Self {
        Self {
            rest: rest.clone(),
            method: Method::POST,
            path: path.into(),
            body,
        }
    }

    pub fn put(rest: &Rest, path: impl Into<String>) -> Self {
        Self {
            rest: rest.clone(),
            method: Method::PUT,
            path: path.into(),
            body: json!({}),
        }
    }

    pub async fn made(self) -> Answer {
        self.rest.insist(self.method, &self.path, &self.body).await
    }
}
