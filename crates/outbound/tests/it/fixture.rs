//! A provider that replies from a list and records the times of the requests.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use carshare_chassis::{Clock, Environment, ManualClock};
use carshare_outbound::{Config, HttpClient};
use chrono::{DateTime, TimeDelta, Utc};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

pub struct Fixture {
    pub server: MockServer,
    pub client: HttpClient,
    pub clock: ManualClock,
    times: Arc<Mutex<Vec<DateTime<Utc>>>>,
}

/// Replies in order; the last one repeats.
struct Answers {
    list: Vec<ResponseTemplate>,
    clock: Clock,
    times: Arc<Mutex<Vec<DateTime<Utc>>>>,
}

impl Respond for Answers {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let mut times = self.times.lock().unwrap();
        times.push(self.clock.now());
        let index = (times.len() - 1).min(self.list.len() - 1);
        self.list[index].clone()
    }
}

impl Fixture {
    pub async fn new(answers: Vec<ResponseTemplate>) -> Self {
        Self::with(answers, Config::default()).await
    }

    pub async fn with(answers: Vec<ResponseTemplate>, config: Config) -> Self {
        let (environment, clock) = environment();
        let server = MockServer::start().await;
        let times = Arc::default();
        let answers = Answers {
            list: answers,
            clock: environment.clock.clone(),
            times: Arc::clone(&times),
        };
        Mock::given(any()).respond_with(answers).mount(&server).await;
        let client = client(&server.uri(), config, environment);
        Self {
            server,
            client,
            clock,
            times,
        }
    }

    /// Runs a call while the manual clock advances continuously.
    pub async fn with_moving_clock<F: Future>(&self, call: F) -> F::Output {
        let mut call = pin!(call);
        loop {
            tokio::select! {
                biased;
                output = &mut call => return output,
                () = tokio::task::yield_now() => self.clock.advance(Duration::from_millis(1)),
            }
        }
    }

    pub async fn requests(&self) -> Vec<Request> {
        self.server.received_requests().await.unwrap()
    }

    pub async fn request_count(&self) -> usize {
        self.requests().await.len()
    }

    /// Returns the intervals between the requests by the manual clock.
    pub fn intervals(&self) -> Vec<TimeDelta> {
        self.times
            .lock()
            .unwrap()
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .collect()
    }
}

pub fn environment() -> (Environment, ManualClock) {
    Environment::manual("2026-11-22T12:00:00Z".parse().unwrap(), 7)
}

pub fn client(base_url: &str, config: Config, environment: Environment) -> HttpClient {
    HttpClient::new(
        "provider",
        Config {
            base_url: base_url.to_owned(),
            ..config
        },
        environment,
    )
    .unwrap()
}

pub fn status(code: u16) -> ResponseTemplate {
    ResponseTemplate::new(code)
}
