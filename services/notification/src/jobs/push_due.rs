//! Sends the pushes that are due.
//!
//! A push is taken before it is sent and ended after it was accepted. Who dies in between leaves it to be sent again: at
//! least once, and the device replaces the first by the second.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use carshare_chassis::Shutdown;
use carshare_store::Lease;
use chrono::{DateTime, Utc};
use futures::{FutureExt as _, StreamExt as _, stream};

use crate::App;
use crate::error::Error;
use crate::push::{Outcome, Outgoing, Provider};
use crate::store::deliveries::{self, Due, State};
use crate::store::devices;

const PERIOD: Duration = Duration::from_secs(2);

/// Sends until the shutdown.
pub async fn run(app: Arc<App>, shutdown: Shutdown) {
    let Some(provider) = app.push.clone() else { return };
    let lease = Lease::every(&app.db, "push_due", PERIOD).notified_by(&app.push_wake);
    lease
        .run(shutdown, move || {
            let (app, provider) = (app.clone(), provider.clone());
            async move {
                while send_batch(&app, &*provider).await? > 0 {}
                Ok::<_, Error>(())
            }
        })
        .await;
}

/// Takes one batch and sends it; how many there were.
pub(crate) async fn send_batch(app: &App, provider: &dyn Provider) -> Result<usize, Error> {
    let limit = i64::try_from(app.config.push.concurrency).unwrap_or(i64::MAX);
    let retry_after = app.config.push.retry_after(1).max(Duration::from_mins(1));
    let due = app
        .db
        .transaction(
            "deliveries.claim",
            (limit, retry_after),
            |tx, &(limit, retry_after)| {
                async move {
                    Ok::<_, Error>(
                        deliveries::claim(tx.conn(), tx.now(), tx.now() + retry_after, limit).await?,
                    )
                }
                .boxed()
            },
        )
        .await?;
    let taken = due.len();
    let mut sent = stream::iter(due)
        .map(|due| async move {
            let span = tracing::info_span!("push", otel.name = format!("push.{}", due.kind), id = %due.id);
            let outcome = due
                .scope()
                .run_in(span.clone(), provider.send(outgoing(&due)))
                .await;
            (due, span, outcome)
        })
        .buffer_unordered(app.config.push.concurrency);
    while let Some((due, span, outcome)) = sent.next().await {
        due.scope().run_in(span, ended(app, &due, outcome)).await?;
    }
    Ok(taken)
}

/// Writes down how a push ended, in its row and in the one log line of the attempt.
async fn ended(app: &App, due: &Due, outcome: Outcome) -> Result<(), Error> {
    let (word, why) = match &outcome {
        Outcome::Sent => ("sent", None),
        Outcome::DeviceGone(why) => ("device_gone", Some(why.clone())),
        Outcome::Refused(why) => ("refused", Some(why.clone())),
        Outcome::Later(why, _) => ("later", Some(why.clone())),
    };
    metrics::counter!("pushes_total", "outcome" => word).increment(1);
    tracing::info!(id = %due.id, kind = due.kind, outcome = word, why, attempt = due.attempts, "push");
    record(app, due, outcome).await
}

struct Ended {
    due: Due,
    outcome: Outcome,
    retry_at: DateTime<Utc>,
    give_up: bool,
}

async fn record(app: &App, due: &Due, outcome: Outcome) -> Result<(), Error> {
    let pause = match &outcome {
        Outcome::Later(_, Some(asked)) => (*asked).max(app.config.push.retry_after(due.attempts)),
        _ => app.config.push.retry_after(due.attempts),
    };
    let ended = Ended {
        retry_at: app.environment.clock.now() + pause,
        give_up: due.attempts >= app.config.push.max_attempts,
        due: due.clone(),
        outcome,
    };
    app.db
        .transaction("deliveries.record", ended, |tx, ended| {
            async move {
                let (id, now) = (ended.due.id, tx.now());
                match &ended.outcome {
                    Outcome::Sent => deliveries::update_state(tx.conn(), id, State::Sent, "", now).await?,
                    Outcome::Refused(why) => {
                        deliveries::update_state(tx.conn(), id, State::Dropped, why, now).await?;
                    }
                    Outcome::Later(why, _) if ended.give_up => {
                        deliveries::update_state(tx.conn(), id, State::Dropped, why, now).await?;
                    }
                    Outcome::Later(why, _) => {
                        deliveries::update_retry(tx.conn(), id, why, ended.retry_at).await?;
                    }
                    Outcome::DeviceGone(why) => {
                        deliveries::update_state(tx.conn(), id, State::Dropped, why, now).await?;
                        deliveries::drop_for_device(tx.conn(), ended.due.device_id, now).await?;
                        // Registered anew in the meantime, it would carry another token.
                        devices::delete(tx.conn(), ended.due.device_id, &ended.due.token).await?;
                    }
                }
                Ok::<_, Error>(())
            }
            .boxed()
        })
        .await
}

fn outgoing(due: &Due) -> Outgoing {
    let data = due.data.as_object().into_iter().flatten();
    let data = data.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
    Outgoing {
        notification_id: due.notification_id,
        token: due.token.clone(),
        kind: due.kind.clone(),
        title: due.title.clone(),
        body: due.body.clone(),
        data: data.collect::<BTreeMap<_, _>>(),
    }
}
