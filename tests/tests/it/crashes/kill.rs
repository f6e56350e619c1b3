//! Kills and restarts replicas of a fleet, between calls and in the middle of one.

use carshare_mesh::{Fleet, Options, Replica};
use carshare_testkit::eventually_true;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Response, Rest, Setup, Sql, TIMEOUT, Table};

pub const ALL_SERVICES: [&str; 6] = ["auth", "vehicle", "booking", "payment", "notification", "gateway"];

/// Short waits of the workers, and cheap password hashes.
const SHORT_WAITS: [(&str, &str); 4] = [
    ("PAYMENT__WORKER__CLAIM_TIMEOUT_MS", "1000"),
    ("PAYMENT__WORKER__POLL_INTERVAL_MS", "200"),
    // Leaves time to be killed between a lost reply and the next attempt.
    ("PAYMENT__TOSS__HTTP__BACKOFF_MS", "600"),
    ("AUTH__PASSWORDS__BCRYPT_COST", "6"),
];

/// The options of every fleet that is killed.
pub fn options() -> Options {
    SHORT_WAITS
        .iter()
        .fold(Options::temporary(), |options, (name, value)| {
            options.with_env(name, value)
        })
}

/// Which replicas of a service are killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One; in the middle of a call the one that handles it.
    One,
    All,
}

/// Services to kill.
#[derive(Clone, Copy, Debug)]
pub struct Kill<'a> {
    pub services: &'a [&'static str],
    pub scope: Scope,
}

impl<'a> Kill<'a> {
    pub const fn all(services: &'a [&'static str]) -> Self {
        Self {
            services,
            scope: Scope::All,
        }
    }

    pub const fn one(services: &'a [&'static str]) -> Self {
        Self {
            services,
            scope: Scope::One,
        }
    }

    /// Kills everything before the first process is started again. `busy`: names of replicas that handle a call.
    pub fn run(&self, fleet: &mut Fleet, busy: &[String]) {
        let services = self.services.iter();
        let killed: Vec<Replica> = services
            .flat_map(|service| {
                let replicas = fleet.replicas_of(service);
                match self.scope {
                    Scope::All => replicas,
                    Scope::One => vec![busy_one(&replicas, busy)],
                }
            })
            .collect();
        for replica in &killed {
            fleet.kill(*replica).expect("it runs");
        }
        for replica in killed {
            fleet.spawn(replica).expect("a start");
        }
    }
}

fn busy_one(replicas: &[Replica], busy: &[String]) -> Replica {
    let found = replicas
        .iter()
        .find(|replica| busy.contains(&replica.to_string()));
    *found.unwrap_or(&replicas[0])
}

/// A call that is repeated until it is answered.
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

    pub async fn send(self) -> Response {
        self.rest
            .send_until_answered(self.method, &self.path, &self.body)
            .await
    }

    /// Sends the call and kills while it waits for a locked table, in the middle of its transaction.
    pub async fn send_with_kill(
        self,
        fleet: &mut Fleet,
        sql: &Sql,
        table: Table,
        kill: Kill<'_>,
    ) -> Response {
        let lock = sql.lock_table(table).await;
        let killing = async {
            eventually_true(TIMEOUT, || async { !lock.waiters().await.is_empty() }).await;
            kill.run(fleet, &lock.waiters().await);
            lock.release().await;
        };
        let (response, ()) = tokio::join!(self.send(), killing);
        response
    }
}

/// A fleet on the servers that all tests share.
pub async fn fleet() -> Setup<Fleet> {
    Setup::fleet(options()).await
}
