//! A database behind a meter of its statements.

use carshare_store::{Db, config};
use carshare_testkit::PostgresMeter;

use crate::harness::{Harness, environment};

/// A harness, and another pool on its database whose statements are counted.
pub struct Metered {
    pub harness: Harness,
    pub meter: PostgresMeter,
    pub db: Db,
}

impl Metered {
    pub async fn new() -> Self {
        let harness = Harness::new().await;
        let meter = PostgresMeter::start(&harness.database.url()).await.unwrap();
        let config = config::Database {
            url: meter.url().into(),
            ..harness.config.clone()
        };
        let db = Db::connect(&config, environment(9).0).unwrap();
        Self { harness, meter, db }
    }
}
