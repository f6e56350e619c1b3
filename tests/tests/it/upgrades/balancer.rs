//! A balancer of connections in front of the gateways, as a Kubernetes service is: a new connection goes to a gateway whose
//! `/readyz` returns 200, and stays there until one side closes it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use carshare_chassis::task::spawn;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

/// Interval of the readiness probes.
const PROBE_INTERVAL: Duration = Duration::from_millis(100);
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

struct Target {
    address: SocketAddr,
    is_ready: AtomicBool,
}

/// A balancer that runs as long as the runtime of its test.
pub struct Balancer {
    address: SocketAddr,
}

impl Balancer {
    /// Starts a balancer of the gateways at these URLs, all of which are ready.
    pub async fn start(gateways: &[String]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let targets: Arc<[Target]> = gateways.iter().map(|url| Target::of(url)).collect();
        for number in 0..targets.len() {
            spawn("probes", probe(Arc::clone(&targets), number));
        }
        spawn("balancer", accept(listener, targets));
        Self { address }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Target {
    fn of(url: &str) -> Self {
        let address = url.trim_start_matches("http://").parse();
        Self {
            address: address.expect("an address"),
            is_ready: AtomicBool::new(true),
        }
    }
}

async fn probe(targets: Arc<[Target]>, number: usize) {
    let http = reqwest::Client::builder().timeout(PROBE_TIMEOUT).build();
    let http = http.expect("a client");
    let target = &targets[number];
    loop {
        let probed = http.get(format!("http://{}/readyz", target.address)).send().await;
        let is_ready = probed.is_ok_and(|response| response.status().is_success());
        target.is_ready.store(is_ready, Ordering::Relaxed);
        sleep(PROBE_INTERVAL).await;
    }
}

async fn accept(listener: TcpListener, targets: Arc<[Target]>) {
    let next = AtomicUsize::new(0);
    loop {
        let Ok((mut client, _)) = listener.accept().await else {
            continue;
        };
        let is_ready = |target: &&Target| target.is_ready.load(Ordering::Relaxed);
        let mut candidates: Vec<&Target> = targets.iter().filter(is_ready).collect();
        if candidates.is_empty() {
            // As balancers do: it may be the probes that fail.
            candidates = targets.iter().collect();
        }
        let target = candidates[next.fetch_add(1, Ordering::Relaxed) % candidates.len()];
        let address = target.address;
        spawn("connection", async move {
            // A failure on either side closes both.
            let Ok(mut server) = TcpStream::connect(address).await else {
                return;
            };
            client.set_nodelay(true).ok();
            server.set_nodelay(true).ok();
            copy_bidirectional(&mut client, &mut server).await.ok();
        });
    }
}
