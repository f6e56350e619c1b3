//! `carshare after-restore`: makes the services ready to start after databases were restored to an earlier moment.

use anyhow::{Context as _, Result};
use carshare_chassis::Environment;
use carshare_chassis::config::Redis;
use carshare_mesh::dependencies::SERVICES;
use carshare_store::config::Database;
use carshare_store::{Db, restore};

#[derive(clap::Args)]
pub struct AfterRestoreArgs {
    /// Services whose databases were restored.
    #[arg(required = true, value_parser = clap::builder::PossibleValuesParser::new(SERVICES))]
    services: Vec<String>,
    /// URL of auth's database role.
    #[arg(long, env = "AUTH__DATABASE__URL", hide_env_values = true)]
    auth_url: String,
    /// URL of vehicle's database role.
    #[arg(long, env = "VEHICLE__DATABASE__URL", hide_env_values = true)]
    vehicle_url: String,
    /// URL of booking's database role.
    #[arg(long, env = "BOOKING__DATABASE__URL", hide_env_values = true)]
    booking_url: String,
    /// URL of payment's database role.
    #[arg(long, env = "PAYMENT__DATABASE__URL", hide_env_values = true)]
    payment_url: String,
    /// URL of notification's database role.
    #[arg(long, env = "NOTIFICATION__DATABASE__URL", hide_env_values = true)]
    notification_url: String,
    /// URL of the Redis server that has the event streams.
    #[arg(long, env = "GATEWAY__REDIS__URL", hide_env_values = true)]
    redis_url: String,
}

/// Deletes the streams of the restored services, whose entries may be events that are lost, and repairs their consumers.
pub async fn run(args: AfterRestoreArgs) -> Result<()> {
    let databases = args.databases()?;
    let redis = Redis::at(args.redis_url.as_str());
    let is_restored = |name: &str| args.services.iter().any(|service| service == name);
    let restored = || databases.iter().filter(|(name, _)| is_restored(name));
    for (name, db) in restored() {
        db.ensure_stopped()
            .await
            .with_context(|| format!("{name} runs"))?;
    }
    for (publisher, db) in restored() {
        restore::delete_stream(&redis, publisher).await?;
        let end = db.log_end().await;
        let end = end.with_context(|| format!("the log of {publisher} cannot be read"))?;
        for (consumer, db) in databases.iter().filter(|(name, _)| name != publisher) {
            let rewound = db.rewind(publisher, end.clone()).await;
            let rewound = rewound.with_context(|| format!("{consumer} cannot be repaired"))?;
            println!(
                "{consumer}: {} cursors and {} positions of {publisher} moved back, {} filed events deleted",
                rewound.cursors, rewound.positions, rewound.filed
            );
        }
    }
    Ok(())
}

impl AfterRestoreArgs {
    /// Returns the databases of all services. They connect at first use.
    fn databases(&self) -> Result<Vec<(&'static str, Db)>> {
        let urls = [
            ("auth", &self.auth_url),
            ("vehicle", &self.vehicle_url),
            ("booking", &self.booking_url),
            ("payment", &self.payment_url),
            ("notification", &self.notification_url),
        ];
        let connect = |(name, url): (&'static str, &String)| {
            let db = Db::connect(&Database::at(url.as_str()), Environment::system());
            Ok((name, db.with_context(|| format!("--{name}-url is not valid"))?))
        };
        urls.into_iter().map(connect).collect()
    }
}
