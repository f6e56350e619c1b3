//! `carshare after-restore`: makes the services ready to start after databases were restored to an earlier moment.

use anyhow::{Context as _, Result};
use carshare_chassis::Environment;
use carshare_chassis::config::Redis;
use carshare_mesh::dependencies::SERVICES;
use carshare_store::config::Database;
use carshare_store::{Db, restore};

use crate::settings::Settings;

#[derive(clap::Args)]
pub struct AfterRestoreArgs {
    /// The restored services.
    #[arg(required = true, value_parser = clap::builder::PossibleValuesParser::new(SERVICES))]
    services: Vec<String>,
    /// URL of auth's database role. Default: as auth has it, `AUTH__DATABASE__URL` or the file of `AUTH__DATABASE__URL_FILE`.
    #[arg(long)]
    auth_url: Option<String>,
    /// URL of vehicle's database role. Default: as vehicle has it.
    #[arg(long)]
    vehicle_url: Option<String>,
    /// URL of booking's database role. Default: as booking has it.
    #[arg(long)]
    booking_url: Option<String>,
    /// URL of payment's database role. Default: as payment has it.
    #[arg(long)]
    payment_url: Option<String>,
    /// URL of notification's database role. Default: as notification has it.
    #[arg(long)]
    notification_url: Option<String>,
    /// URL of the Redis server that has the event streams. Default: as the gateway has it, `GATEWAY__REDIS__URL` or its file.
    #[arg(long)]
    redis_url: Option<String>,
}

/// Deletes the streams of the restored services, which may have events that are lost, and repairs their consumers.
pub async fn run(args: AfterRestoreArgs) -> Result<()> {
    let settings = Settings::from_environment();
    let databases = args.databases(&settings)?;
    let redis = Redis::at(settings.get(args.redis_url.as_ref(), "GATEWAY__REDIS__URL")?);
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
    fn databases(&self, settings: &Settings) -> Result<Vec<(&'static str, Db)>> {
        let arguments = [
            ("auth", &self.auth_url),
            ("vehicle", &self.vehicle_url),
            ("booking", &self.booking_url),
            ("payment", &self.payment_url),
            ("notification", &self.notification_url),
        ];
        let connect = |(name, argument): (&'static str, &Option<String>)| {
            let variable = format!("{}__DATABASE__URL", name.to_uppercase());
            let url = settings.get(argument.as_ref(), &variable)?;
            let db = Db::connect(&Database::at(url), Environment::system());
            Ok((
                name,
                db.with_context(|| format!("the database URL of {name} is not valid"))?,
            ))
        };
        arguments.into_iter().map(connect).collect()
    }
}

#[cfg(test)]
mod tests {
    use carshare_devservers::TempDir;
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: AfterRestoreArgs,
    }

    #[tokio::test]
    async fn urls_are_read_from_arguments_variables_and_files() {
        let cli = Cli::parse_from([
            "after-restore",
            "booking",
            "--auth-url",
            "postgres://auth@localhost/x",
        ]);
        let folder = TempDir::create("after-restore").unwrap();
        let file = |service: &str| {
            let path = folder.path().join(service);
            std::fs::write(&path, format!("postgres://{service}@localhost/x\n")).unwrap();
            let name = format!("{}__DATABASE__URL_FILE", service.to_uppercase());
            (name, path.display().to_string())
        };
        let mut env = vec![file("vehicle"), file("booking"), file("notification")];
        let refused = cli.args.databases(&env.iter().cloned().collect()).err().unwrap();
        assert_eq!(
            refused.to_string(),
            "PAYMENT__DATABASE__URL is not set, nor is PAYMENT__DATABASE__URL_FILE"
        );
        env.push((
            "PAYMENT__DATABASE__URL".into(),
            "postgres://payment@localhost/x".into(),
        ));
        let databases = cli.args.databases(&env.into_iter().collect()).unwrap();
        let names: Vec<&str> = databases.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, SERVICES);
    }
}
