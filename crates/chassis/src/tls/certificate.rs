//! A certificate in use, and the task that replaces it when its files change.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use rustls::pki_types::CertificateDer;
use tokio::sync::watch;

use super::loaded::Loaded;
use super::source::Source;
use crate::clock::Clock;
use crate::task;

/// Interval at which files are read again. Kubernetes writes a renewed certificate within a minute or two.
const RELOAD_INTERVAL: Duration = Duration::from_secs(5);

/// A certificate, which is replaced when its files have changed. Clones share it.
#[derive(Clone)]
pub struct Certificate {
    name: &'static str,
    current: watch::Receiver<Arc<Loaded>>,
}

impl Certificate {
    /// Reads and checks a certificate, and begins to watch its files.
    ///
    /// # Errors
    /// A certificate that cannot be read, does not fit its key, has expired or is not valid yet, by the `clock`. The message has the
    /// configuration key and the file.
    pub fn load(source: Source, clock: Clock) -> anyhow::Result<Self> {
        let name = source.name;
        let loaded = Loaded::new(&source, source.read()?, clock.now())?;
        let (sender, current) = watch::channel(Arc::new(loaded));
        let reload = Reload {
            source,
            clock,
            sender,
            failure: None,
        };
        task::spawn("certificate", reload.run());
        Ok(Self { name, current })
    }

    /// Returns an error unless the certificate names this service of the mesh.
    ///
    /// # Errors
    /// The name that it has instead.
    pub fn check_service(&self, service: &str) -> anyhow::Result<()> {
        self.current().check_service(service)
    }

    /// Returns an error unless clients accept the certificate for this host.
    ///
    /// # Errors
    /// The host.
    pub fn check_host(&self, host: &str) -> anyhow::Result<()> {
        self.current().check_host(host)
    }

    /// Returns the configuration of a client that calls a service now. A later one may have another certificate.
    pub fn client(&self, server_name: &str) -> tonic::transport::ClientTlsConfig {
        self.current().client(server_name)
    }

    /// Returns the time at which the certificate in use expires.
    pub fn not_after(&self) -> DateTime<Utc> {
        self.current().not_after()
    }

    pub(crate) fn current(&self) -> Arc<Loaded> {
        Arc::clone(&self.current.borrow())
    }

    /// Label of metrics.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Waits until the certificate is replaced by another one than this handle has seen.
    pub(crate) async fn changed(&mut self) {
        if self.current.changed().await.is_err() {
            // The runtime ends.
            std::future::pending::<()>().await;
        }
    }

    /// Waits until the authority of a client's certificate chain is not trusted any more.
    pub(crate) async fn distrusts(mut self, chain: Vec<CertificateDer<'static>>) {
        while self.current().accepts(&chain) {
            self.changed().await;
        }
    }
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Certificate({})", self.name)
    }
}

/// Reads the files again and again.
struct Reload {
    source: Source,
    clock: Clock,
    sender: watch::Sender<Arc<Loaded>>,
    /// The last failure, which is logged once.
    failure: Option<String>,
}

impl Reload {
    /// Ends when nobody uses the certificate any more.
    async fn run(mut self) {
        loop {
            self.record();
            tokio::select! {
                () = self.clock.sleep(RELOAD_INTERVAL) => {}
                () = self.sender.closed() => return,
            }
            match self.reload().await {
                Ok(()) => self.failure = None,
                Err(error) => self.fail(format!("{error:#}")),
            }
        }
    }

    /// Sets the gauges. Again each time: a metrics recorder may be installed later than the first one.
    fn record(&self) {
        let current = Arc::clone(&self.sender.borrow());
        let set = |certificate, time: Option<DateTime<Utc>>| {
            if let Some(time) = time {
                let gauge = metrics::gauge!("tls_certificate_expiry_seconds", "certificate" => certificate);
                gauge.set(time.timestamp() as f64);
            }
        };
        set(self.source.name, Some(current.not_after()));
        set("mesh_authority", current.authorities_not_after());
    }

    async fn reload(&self) -> anyhow::Result<()> {
        let source = self.source.clone();
        let reading = tokio::task::spawn_blocking(move || source.read());
        let pems = reading.await.context("reading panicked")??;
        let (old, now) = (Arc::clone(&self.sender.borrow()), self.clock.now());
        // A pair whose files are replaced one after the other does not fit for a moment; a later read finds it whole.
        if old.is_of(&pems, now) {
            return Ok(());
        }
        let new = Loaded::new(&self.source, pems, now)?;
        new.check_replaces(&old)?;
        tracing::info!(
            certificate = self.source.name,
            not_after = %new.not_after(),
            "certificate replaced"
        );
        self.sender.send_replace(Arc::new(new));
        Ok(())
    }

    fn fail(&mut self, error: String) {
        let name = self.source.name;
        metrics::counter!("tls_reload_failures_total", "certificate" => name).increment(1);
        if self.failure.as_ref() != Some(&error) {
            tracing::error!(
                certificate = name,
                error,
                "cannot replace the certificate, the one in use is kept"
            );
            self.failure = Some(error);
        }
    }
}

#[cfg(test)]
mod tests;
