//! Counts the statements and round trips of PostgreSQL clients, for tests with exact numbers.

mod frontend;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::eventually_true;
use crate::proxy::{spawn, split_authority};
use frontend::{Frames, Frontend, Sent};

/// Time without traffic after which a measurement ends: a driver that sends something after its work does so at once.
const QUIET_PERIOD: Duration = Duration::from_millis(50);
/// Longest wait for the end of the traffic.
const QUIET_TIMEOUT: Duration = Duration::from_secs(30);

/// Proxy in front of a PostgreSQL server that reads the protocol of its clients. Dropping it refuses new connections.
///
/// ```text
/// let meter = PostgresMeter::start(&database.url()).await?;
/// let db = Db::connect(&config::Database::at(meter.url()), environment)?;
/// read(&db).await?; // Prepares the statements, which costs round trips of their own.
/// let (row, measured) = meter.measure(read(&db)).await;
/// measured.assert(Counts { statements: 1, round_trips: 1, commits: 0 });
/// ```
pub struct PostgresMeter {
    url: String,
    traffic: Arc<Mutex<Traffic>>,
    accepting: AbortHandle,
}

/// What all clients of a meter have sent since the last measurement began.
struct Traffic {
    statements: Vec<String>,
    round_trips: usize,
    /// Round trips that the server has not answered yet.
    unanswered: usize,
    last_at: Instant,
}

/// Statements and round trips of one measurement. `Display` lists the statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// Text of each executed statement in the order in which it was sent, `BEGIN`, `COMMIT` and `ROLLBACK` included.
    pub statements: Vec<String>,
    /// Times a client waited for the server: one per `Sync` message and per simple query. Preparing a statement and a ping
    /// are round trips without a statement.
    pub round_trips: usize,
}

/// Numbers of a measurement, for assertions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Executed statements, without `BEGIN`, `COMMIT` and `ROLLBACK`.
    pub statements: usize,
    /// See [`Measured::round_trips`]; `BEGIN` and `COMMIT` are one each.
    pub round_trips: usize,
    /// Executed `COMMIT`s.
    pub commits: usize,
}

impl PostgresMeter {
    /// Starts a meter in front of the server of a `postgres://` URL.
    pub async fn start(url: &str) -> Result<Self> {
        let (start, target, end) = split_authority(url).context("the URL has no host and port")?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address: SocketAddr = listener.local_addr()?;
        // TLS would hide the messages.
        let separator = if end.contains('?') { '&' } else { '?' };
        let traffic = Arc::new(Mutex::new(Traffic {
            statements: Vec::new(),
            round_trips: 0,
            unanswered: 0,
            last_at: Instant::now(),
        }));
        Ok(Self {
            url: format!("{start}{address}{end}{separator}sslmode=disable"),
            accepting: spawn(accept(listener, target.to_owned(), Arc::clone(&traffic))),
            traffic,
        })
    }

    /// Returns the URL of the database through the meter.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Runs `work` and returns its output with what all clients have sent meanwhile, and after it until they are quiet. Other
    /// work on the same meter is counted too.
    pub async fn measure<F: Future>(&self, work: F) -> (F::Output, Measured) {
        self.quiet().await;
        {
            let mut traffic = lock(&self.traffic);
            traffic.statements.clear();
            traffic.round_trips = 0;
        }
        let output = work.await;
        self.quiet().await;
        let traffic = lock(&self.traffic);
        let measured = Measured {
            statements: traffic.statements.clone(),
            round_trips: traffic.round_trips,
        };
        (output, measured)
    }

    /// Waits until every round trip is answered and none follows.
    async fn quiet(&self) {
        eventually_true(QUIET_TIMEOUT, || {
            let traffic = lock(&self.traffic);
            let is_quiet = traffic.unanswered == 0 && traffic.last_at.elapsed() >= QUIET_PERIOD;
            async move { is_quiet }
        })
        .await;
    }
}

impl Drop for PostgresMeter {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Measured {
    /// Returns the numbers.
    pub fn counts(&self) -> Counts {
        let control = |text: &&String| matches!(text.as_str(), "BEGIN" | "COMMIT" | "ROLLBACK");
        Counts {
            statements: self.statements.len() - self.statements.iter().filter(control).count(),
            round_trips: self.round_trips,
            commits: self.statements.iter().filter(|text| *text == "COMMIT").count(),
        }
    }

    /// Panics with the statements unless there are exactly `expected`.
    #[track_caller]
    pub fn assert(&self, expected: Counts) {
        assert_eq!(self.counts(), expected, "{self}");
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} round trips for these statements:", self.round_trips)?;
        self.statements
            .iter()
            .try_for_each(|text| writeln!(f, "  {text}"))
    }
}

impl Traffic {
    fn sent(&mut self, sent: Sent) {
        self.last_at = Instant::now();
        match sent {
            Sent::Statement(text) => self.statements.push(text),
            Sent::RoundTrip => {
                self.round_trips += 1;
                self.unanswered += 1;
            }
        }
    }

    fn answered(&mut self) {
        self.last_at = Instant::now();
        self.unanswered = self.unanswered.saturating_sub(1);
    }
}

async fn accept(listener: TcpListener, target: String, traffic: Arc<Mutex<Traffic>>) {
    while let Ok((client, _)) = listener.accept().await {
        let (target, traffic) = (target.clone(), Arc::clone(&traffic));
        spawn(async move {
            let Ok(server) = TcpStream::connect(target).await else {
                return;
            };
            client.set_nodelay(true).ok();
            server.set_nodelay(true).ok();
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            let mut frontend = Frontend::default();
            let mut greeted = false;
            let mut replies = Frames::of_server();
            let unanswered = Mutex::new(0_usize);
            let requests = pass(from_client, to_server, |bytes| {
                for sent in frontend.read(bytes) {
                    *lock(&unanswered) += usize::from(sent == Sent::RoundTrip);
                    lock(&traffic).sent(sent);
                }
            });
            let answers = pass(from_server, to_client, |bytes| {
                for (kind, _) in replies.read(bytes) {
                    // The first ReadyForQuery ends the start of the session.
                    if kind == b'Z' && std::mem::replace(&mut greeted, true) {
                        *lock(&unanswered) -= 1;
                        lock(&traffic).answered();
                    }
                }
            });
            tokio::try_join!(requests, answers).ok();
            // A connection that broke is answered no more.
            (0..*lock(&unanswered)).for_each(|_| lock(&traffic).answered());
        });
    }
}

/// Copies bytes, each chunk after `read` has seen it.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut read: impl FnMut(&[u8]),
) -> std::io::Result<()> {
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let length = from.read(&mut chunk).await?;
        if length == 0 {
            to.shutdown().await?;
            return Ok(());
        }
        read(&chunk[..length]);
        to.write_all(&chunk[..length]).await?;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
