//! nginx as a gRPC proxy in front of auth, the bar for the gateway's native gRPC.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use carshare_devservers::Ca;
use carshare_devservers::free_port;
use carshare_devservers::process::{Binary, Launch};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

/// Time in which nginx starts.
const START_TIMEOUT: Duration = Duration::from_secs(5);

/// A running nginx.
pub struct Nginx {
    pub url: String,
    _process: Binary,
}

impl Nginx {
    /// Starts one worker that speaks mutual TLS to `upstream` with the gateway's certificate, and writes an access log.
    pub async fn start(folder: &Path, ca: &Ca, upstream: &str) -> Result<Self> {
        let certificate = ca.issue("gateway")?;
        let folder = folder.join("nginx");
        std::fs::create_dir_all(&folder)?;
        for (name, text) in [
            ("ca.pem", ca.cert_pem()),
            ("cert.pem", certificate.cert_pem),
            ("key.pem", certificate.key_pem),
        ] {
            std::fs::write(folder.join(name), text)?;
        }
        let port = free_port()?;
        let config = include_str!("nginx.conf")
            .replace("{folder}", &folder.display().to_string())
            .replace("{port}", &port.to_string())
            .replace("{upstream}", upstream);
        let file = folder.join("nginx.conf");
        std::fs::write(&file, config)?;
        let launch = Launch {
            args: vec!["-c".to_owned(), file.display().to_string()],
            ..Launch::default()
        };
        let process = Binary::spawn("/usr/sbin/nginx", launch)?;
        let end = Instant::now() + START_TIMEOUT;
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            anyhow::ensure!(
                Instant::now() < end,
                "nginx does not start:\n{}",
                process.logs().tail()
            );
            sleep(Duration::from_millis(20)).await;
        }
        Ok(Self {
            url: format!("http://127.0.0.1:{port}"),
            _process: process,
        })
    }
}
