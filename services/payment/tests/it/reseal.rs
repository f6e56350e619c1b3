//! The key of billing keys is replaced: cards are charged with the new key alone, and none is lost.

use carshare_payment::Config;
use carshare_payment::cli::{Command, handle};

use crate::harness::*;

const SECOND: &str = "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=";

async fn reseal(harness: &Harness, config: &Config) -> anyhow::Result<()> {
    handle(config, harness.environment.clone(), Command::Reseal).await
}

#[tokio::test]
async fn card_is_charged_with_the_new_key_alone() {
    let mut harness = Harness::start().await;
    let guest = harness.guest_with(GOOD_CARD).await;

    let seal = &mut harness.service.config.service.seal;
    seal.keys.insert("k2".to_owned(), SECOND.into());
    seal.primary = "k2".to_owned();
    let both = harness.config.service.clone();
    harness.service.config.service.seal.keys.remove("k1");
    let lost = reseal(&harness, &harness.config.service).await.unwrap_err();
    assert!(
        lost.to_string()
            .starts_with("1 values are not sealed with the key k2"),
        "{lost}"
    );
    reseal(&harness, &both).await.unwrap();

    harness.crash_and_restart().await;
    let booking = harness.approved(guest).await;
    harness.pass_time_until(&booking, "completed").await;
    harness.finish().await;
}
