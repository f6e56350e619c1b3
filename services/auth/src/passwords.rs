//! Hashes and verifies passwords with bcrypt, on blocking threads and with bounded concurrency. Computations wait in the order of their
//! arrival, and no longer than clients do: beyond a number of waiting ones the next is refused at once, and one that has waited too long too.

mod salts;
mod scheme;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use carshare_chassis::Error;
use carshare_chassis::config::millis;
use carshare_chassis::telemetry::pool_usage::PoolUsage;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::domain::{Password, PasswordHash};

pub use salts::{Salt, Salts};
pub use scheme::Settings;

/// `[passwords]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// log2 of bcrypt's rounds, 4 to 31.
    pub bcrypt_cost: u32,
    /// Hashes computed at a time; further ones wait. 0 = the number of cores.
    pub max_parallel: usize,
    /// Hashes that wait, for each computed one. Further ones are refused.
    pub max_waiting: usize,
    /// Longest wait of a hash. Then it is refused.
    #[serde(rename = "max_wait_ms", with = "millis")]
    pub max_wait: Duration,
    /// A successful login replaces a hash of an earlier release, or of another cost or salt.
    pub upgrade_at_login: bool,
}

/// Hashes and verifies passwords. Cheap to clone.
#[derive(Clone)]
pub struct Passwords {
    cost: u32,
    upgrade_at_login: bool,
    max_wait: Duration,
    /// One for each computed or waiting hash.
    places: Arc<Semaphore>,
    /// One for each computed hash.
    permits: Arc<Semaphore>,
    usage: Arc<PoolUsage>,
}

/// When a refused caller may try again: most of the waiting hashes are then computed.
const RETRY_AFTER: Duration = Duration::from_secs(4);

/// Counter of bcrypt computations, by purpose.
pub const HASHES_TOTAL: &str = "auth_password_hashes_total";
/// Counter of bcrypt computations that were refused because too many wait or they waited too long, by purpose.
pub const REFUSED_TOTAL: &str = "auth_password_hashes_refused_total";

impl Passwords {
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        anyhow::ensure!(
            (4..=31).contains(&config.bcrypt_cost),
            "passwords.bcrypt_cost must be 4 to 31"
        );
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let parallel = match config.max_parallel {
            0 => cores,
            parallel => parallel,
        };
        let places = parallel * (1 + config.max_waiting);
        Ok(Self {
            cost: config.bcrypt_cost,
            upgrade_at_login: config.upgrade_at_login,
            max_wait: config.max_wait,
            places: Arc::new(Semaphore::new(places)),
            permits: Arc::new(Semaphore::new(parallel)),
            usage: Arc::new(PoolUsage::new("password_hashes", places)),
        })
    }

    /// Returns the settings of new hashes with this salt.
    pub fn settings(&self, salt: Salt) -> Settings {
        Settings::new(self.cost, salt)
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// `UNAVAILABLE` when too many hashes wait, or this one has waited too long.
    pub async fn hash(&self, password: Password, salt: Salt) -> Result<PasswordHash, Error> {
        let settings = self.settings(salt);
        self.compute("hash", move || scheme::hash(&password, &settings))
            .await
    }

    /// Hashes a password to compare it with stored hashes of these settings.
    ///
    /// # Errors
    /// `UNAVAILABLE` when too many hashes wait, or this one has waited too long.
    pub async fn candidate(&self, password: Password, settings: Settings) -> Result<PasswordHash, Error> {
        self.compute("verify", move || scheme::hash(&password, &settings))
            .await
    }

    /// Hashes a verified password again if its stored hash has other settings. `None` if it has not, if the
    /// configuration says so, and while too many hashes wait: the next login tries again.
    pub async fn upgrade(
        &self,
        verified: Password,
        stored: &PasswordHash,
        salt: Salt,
    ) -> Option<PasswordHash> {
        if self.upgrade_at_login && Settings::of(stored) != self.settings(salt) {
            self.hash(verified, salt).await.ok()
        } else {
            None
        }
    }

    /// Returns whether the password has the stored hash.
    ///
    /// # Errors
    /// `UNAVAILABLE` when too many hashes wait, or this one has waited too long.
    pub async fn verify(&self, password: Password, stored: PasswordHash) -> Result<bool, Error> {
        self.compute("verify", move || scheme::verify(&password, &stored))
            .await
    }

    async fn compute<T, F>(&self, purpose: &'static str, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce() -> bcrypt::BcryptResult<T> + Send + 'static,
    {
        let refuse = || {
            metrics::counter!(REFUSED_TOTAL, "purpose" => purpose).increment(1);
            Error::unavailable("too many passwords wait to be hashed", RETRY_AFTER)
        };
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = (place.map_err(|_| refuse())?, self.usage.take());
        // A number of them bounds no time on a slow or shared core.
        let permit = timeout(self.max_wait, Arc::clone(&self.permits).acquire_owned());
        let permit = permit.await.map_err(|_| refuse())?.map_err(Error::internal)?;
        metrics::counter!(HASHES_TOTAL, "purpose" => purpose).increment(1);
        // The task owns place and permit: they end with the computation, not with a cancelled call.
        let computed = tokio::task::spawn_blocking(move || {
            let _held = (place, permit);
            work()
        });
        let result = computed.await.map_err(Error::internal)?;
        result.context("bcrypt failed").map_err(Error::from)
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    const SALT: Salt = Salt([7; 16]);

    fn passwords() -> Passwords {
        Passwords::new(&Config {
            bcrypt_cost: 4,
            max_parallel: 2,
            max_waiting: 3,
            max_wait: Duration::from_secs(5),
            upgrade_at_login: true,
        })
        .unwrap()
    }

    /// Runs `work` and returns its output and the rendered metrics.
    fn measured<T>(work: impl Future<Output = T>) -> (T, String) {
        let recorder = PrometheusBuilder::new().build_recorder();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let output = metrics::with_local_recorder(&recorder, || runtime.block_on(work));
        (output, recorder.handle().render())
    }

    #[tokio::test]
    async fn only_the_hashed_password_verifies() {
        let passwords = passwords();
        let hash = passwords
            .hash(Password::new("correct horse"), SALT)
            .await
            .unwrap();
        assert!(hash.expose().starts_with("$bcrypt-sha256$v=2,t=2b,r=4$"));
        for (plain, expected) in [("correct horse", true), ("correct house", false)] {
            let verified = passwords.verify(Password::new(plain), hash.clone()).await;
            assert_eq!(verified.unwrap(), expected, "{plain}");
        }
    }

    #[tokio::test]
    async fn hash_of_an_earlier_release_or_of_other_settings_is_upgraded() {
        let passwords = passwords();
        let password = Password::new("correct horse");
        let new = passwords.hash(password.clone(), SALT).await.unwrap();
        let old = PasswordHash::new(bcrypt::hash("correct horse", 4).unwrap());
        let other_salt = passwords.hash(password.clone(), Salt([8; 16])).await.unwrap();
        let other_cost = scheme::hash(&password, &Settings::new(5, SALT)).unwrap();
        for outdated in [old, other_salt, other_cost] {
            let upgraded = passwords.upgrade(password.clone(), &outdated, SALT).await;
            assert_eq!(upgraded.as_ref(), Some(&new));
            let off = Passwords {
                upgrade_at_login: false,
                ..passwords.clone()
            };
            assert_eq!(off.upgrade(password.clone(), &outdated, SALT).await, None);
        }
        assert_eq!(passwords.upgrade(password, &new, SALT).await, None);
    }

    #[test]
    fn candidate_is_one_hash_that_the_same_settings_and_password_give() {
        let passwords = passwords();
        let settings = passwords.settings(SALT);
        let (candidate, metrics) = measured(passwords.candidate(Password::new("correct horse"), settings));
        let stored = measured(passwords.hash(Password::new("correct horse"), SALT)).0;
        assert_eq!(candidate.unwrap(), stored.unwrap());
        assert!(
            metrics.contains("auth_password_hashes_total{purpose=\"verify\"} 1"),
            "{metrics}"
        );
    }

    #[tokio::test]
    async fn computation_beyond_the_waiting_ones_is_refused_at_once() {
        let passwords = passwords();
        let busy = passwords.permits.acquire_many(2).await.unwrap();
        let mut waiting: Vec<_> = (0..8)
            .map(|_| Box::pin(passwords.hash(Password::new("correct horse"), SALT)))
            .collect();
        for hash in &mut waiting {
            let refused = futures::poll!(hash.as_mut());
            if let std::task::Poll::Ready(result) = refused {
                panic!("{result:?}");
            }
        }
        let refused = passwords
            .verify(Password::new("x"), PasswordHash::new(String::new()))
            .await
            .unwrap_err();
        assert_eq!(
            (refused.reason(), refused.retry_delay()),
            ("UNAVAILABLE", Some(RETRY_AFTER))
        );
        // A caller that goes away leaves its place, and the others keep theirs.
        drop(waiting.pop());
        let mut last = Box::pin(passwords.hash(Password::new("correct horse"), SALT));
        assert!(futures::poll!(last.as_mut()).is_pending());
        drop(busy);
        waiting.push(last);
        for result in futures::future::join_all(waiting).await {
            result.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn computation_that_waits_too_long_is_refused() {
        let passwords = passwords();
        let busy = passwords.permits.acquire_many(2).await.unwrap();
        let began = tokio::time::Instant::now();
        let refused = passwords.hash(Password::new("correct horse"), SALT).await;
        assert_eq!(began.elapsed().as_secs(), 5);
        let refused = refused.unwrap_err();
        assert_eq!(
            (refused.reason(), refused.retry_delay()),
            ("UNAVAILABLE", Some(RETRY_AFTER))
        );
        assert_eq!(passwords.places.available_permits(), 8);
        drop(busy);
    }

    #[tokio::test]
    async fn malformed_hash_is_an_internal_error() {
        let error = passwords()
            .verify(Password::new("x"), PasswordHash::new("nonsense".into()))
            .await;
        assert_eq!(error.unwrap_err().reason(), "INTERNAL");
    }

    #[test]
    fn cost_out_of_range_is_rejected() {
        let config = Config {
            bcrypt_cost: 3,
            max_parallel: 0,
            max_waiting: 1,
            max_wait: Duration::from_secs(5),
            upgrade_at_login: true,
        };
        assert!(Passwords::new(&config).is_err());
    }
}
