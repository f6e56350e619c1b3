//! `carshare reconcile`: prints the differences between the services' data, once or at an interval.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use carshare_chassis::config::{Common, LogFormat, Telemetry, Tls};
use carshare_chassis::{Environment, Server, Shutdown, telemetry, tls};
use carshare_mesh::reconcile::{self, Difference, Reconciler, Source};
use carshare_payment::config::Toss;
use carshare_payment::provider::toss::TossClient;

use crate::settings::Settings;

const TIMEOUT: Duration = Duration::from_secs(30);

#[derive(clap::Args)]
pub struct ReconcileArgs {
    /// URL of booking's database role. Default: as booking has it, `BOOKING__DATABASE__URL` or the file of `BOOKING__DATABASE__URL_FILE`.
    #[arg(long)]
    booking_url: Option<String>,
    /// URL of vehicle's database role. Default: as vehicle has it.
    #[arg(long)]
    vehicle_url: Option<String>,
    /// URL of payment's database role. Default: as payment has it.
    #[arg(long)]
    payment_url: Option<String>,
    /// Base URL of Toss. Default: `PAYMENT__TOSS__HTTP__BASE_URL`; without it payments are not compared with the provider.
    #[arg(long)]
    toss_url: Option<String>,
    /// Secret key for `--toss-url`. Default: as payment has it, `PAYMENT__TOSS__SECRET_KEY` or its file.
    #[arg(long)]
    toss_secret_key: Option<String>,
    /// Seconds after which a difference is looked at again before it is reported.
    #[arg(long, default_value_t = 60)]
    grace: u64,
    /// Days within which a payment has changed to be compared with the provider.
    #[arg(long, default_value_t = 7)]
    provider_days: u64,
    /// Repeat after so many seconds and serve the counts as metrics.
    #[arg(long)]
    interval: Option<u64>,
    /// Address of the metrics with --interval.
    #[arg(long, default_value = "127.0.0.1:9106")]
    admin_listen: SocketAddr,
}

/// Returns 0 if nothing differs, 1 if something does or could not be compared. With an interval it runs until a signal.
pub async fn run(args: ReconcileArgs) -> Result<ExitCode> {
    tls::install_provider();
    let environment = Environment::system();
    let reconciler = reconciler(&args, &environment)?;
    let Some(interval) = args.interval else {
        let differences = reconciler.run().await?;
        print(&differences);
        return Ok(if differences.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        });
    };
    let config = Telemetry {
        format: LogFormat::Json,
        ..Telemetry::default()
    };
    let guard = telemetry::init("reconcile", &config, &environment.clock)?;
    reconcile::describe_metrics();
    let shutdown = Shutdown::from_signals()?;
    let mut common = Common {
        tls: Tls::insecure(),
        ..Common::default()
    };
    common.admin.listen = Some(args.admin_listen);
    let server = Server::new("reconcile", &common, environment.clone()).serve(None, shutdown.clone());
    let served = tokio::select! {
        served = server => served,
        () = repeat(&reconciler, &environment, Duration::from_secs(interval)) => Ok(()),
    };
    guard.flush().await;
    served.map(|()| ExitCode::SUCCESS)
}

async fn repeat(reconciler: &Reconciler, environment: &Environment, interval: Duration) {
    loop {
        let outcome = match reconciler.run().await {
            Ok(differences) => {
                print(&differences);
                "succeeded"
            }
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "cannot reconcile");
                "failed"
            }
        };
        metrics::counter!("job_runs_total", "name" => "reconcile", "outcome" => outcome).increment(1);
        environment.clock.sleep(interval).await;
    }
}

fn reconciler(args: &ReconcileArgs, environment: &Environment) -> Result<Reconciler> {
    let settings = Settings::from_environment();
    let toss_url = settings.find(args.toss_url.as_ref(), "PAYMENT__TOSS__HTTP__BASE_URL")?;
    let provider = match toss_url {
        Some(base_url) => {
            let secret_key = settings.get(args.toss_secret_key.as_ref(), "PAYMENT__TOSS__SECRET_KEY")?;
            let http = carshare_outbound::Config {
                base_url,
                timeout: TIMEOUT,
                ..carshare_outbound::Config::default()
            };
            let toss = Toss {
                secret_key: secret_key.into(),
                billing_timeout: TIMEOUT,
                http,
            };
            Some(TossClient::new(&toss, environment.clone())?)
        }
        None => None,
    };
    Ok(Reconciler {
        source: Source::new(
            &settings.get(args.booking_url.as_ref(), "BOOKING__DATABASE__URL")?,
            &settings.get(args.vehicle_url.as_ref(), "VEHICLE__DATABASE__URL")?,
            &settings.get(args.payment_url.as_ref(), "PAYMENT__DATABASE__URL")?,
        )?,
        provider,
        grace: Duration::from_secs(args.grace),
        provider_window: Duration::from_secs(args.provider_days * 24 * 60 * 60),
        clock: environment.clock.clone(),
    })
}

fn print(differences: &[Difference]) {
    for difference in differences {
        println!("{} {}", difference.kind.as_str(), difference.booking_id);
    }
    println!("{} differences", differences.len());
}
