//! What a transaction stores at the end of its work, by one statement: its events and the reply of an idempotent call.
//!
//! The number of a key is taken last, so transactions that publish about one key wait for each other only while they commit.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use carshare_chassis::request_context::RequestContext;
use carshare_chassis::trace_context;
use carshare_proto::events::EventMessage;
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait as _, DbBackend, Statement, Value};
use uuid::Uuid;

use super::conn::Conn;
use crate::error::Error;

/// Takes the next numbers of the keys, in the order of the keys, which is that of their locks.
const NUMBERS: &str = "WITH next AS ( \
    INSERT INTO event_sequences AS known (key, last_seq) SELECT * FROM unnest($1::text[], $2::bigint[]) \
    ON CONFLICT (key) DO UPDATE SET last_seq = known.last_seq + excluded.last_seq RETURNING key, last_seq)";

/// Appends the events in the order of their publication. `later` is the number of later events of the same key.
const EVENTS: &str = "INSERT INTO outbox (id, name, key, key_seq, occurred_at, correlation_id, traceparent, data) \
    SELECT e.id, e.name, e.key, next.last_seq - e.later, $3, e.correlation_id, nullif(e.traceparent, ''), e.data \
    FROM unnest($4::uuid[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::text[], $10::bytea[]) \
        WITH ORDINALITY AS e (id, name, key, later, correlation_id, traceparent, data, n) \
    JOIN next USING (key) ORDER BY e.n";

static STORE_EVENTS: LazyLock<String> = LazyLock::new(|| format!("{NUMBERS} {EVENTS}"));
static STORE_REPLY: LazyLock<String> = LazyLock::new(|| insert_reply(1));
static STORE_BOTH: LazyLock<String> =
    LazyLock::new(|| format!("{NUMBERS}, reply AS ({}) {EVENTS}", insert_reply(11)));

/// Returns the statement whose six parameters begin at `$first`. A row that is there has expired: the key is locked.
fn insert_reply(first: usize) -> String {
    let [caller, method, key, hash, reply, expires_at] = std::array::from_fn(|at| first + at);
    format!(
        "INSERT INTO idempotency (caller, method, key, request_hash, reply, expires_at) \
         VALUES (${caller}, ${method}, ${key}, ${hash}, ${reply}, ${expires_at}) \
         ON CONFLICT (caller, method, key) DO UPDATE SET request_hash = excluded.request_hash, \
            reply = excluded.reply, expires_at = excluded.expires_at"
    )
}

#[derive(Default)]
pub(super) struct Pending {
    events: Vec<NewEvent>,
    reply: Option<StoredReply>,
}

struct NewEvent {
    id: Uuid,
    name: &'static str,
    key: String,
    correlation_id: String,
    traceparent: Option<String>,
    data: Vec<u8>,
}

/// A row of `idempotency`.
pub(crate) struct StoredReply {
    pub(crate) caller: String,
    pub(crate) method: &'static str,
    pub(crate) key: String,
    pub(crate) request_hash: [u8; 32],
    /// The encoded reply.
    pub(crate) reply: Vec<u8>,
    pub(crate) expires_at: DateTime<Utc>,
}

impl Pending {
    /// Adds an event, with the trace and correlation id of the current request. The current span gets its key.
    pub(super) fn publish<E: EventMessage>(&mut self, id: Uuid, event: &E) {
        let context = RequestContext::current();
        let correlation_id = context
            .as_ref()
            .map_or_else(|| id.to_string(), |context| context.correlation_id().to_owned());
        let traceparent = match context {
            Some(context) => context.traceparent(),
            None => {
                trace_context::of_current_span().and_then(|context| trace_context::to_traceparent(&context))
            }
        };
        trace_context::set_resource(E::KEY, event.key());
        self.events.push(NewEvent {
            id,
            name: E::NAME,
            key: event.key().to_owned(),
            correlation_id,
            traceparent,
            data: event.encode_to_vec(),
        });
    }

    pub(super) fn set_reply(&mut self, reply: StoredReply) {
        self.reply = Some(reply);
    }

    pub(super) fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// Executes the statement, if there is anything to store.
    pub(super) async fn store(self, conn: &Conn, now: DateTime<Utc>) -> Result<(), Error> {
        let (sql, values): (&str, Vec<Value>) = match (self.events.is_empty(), self.reply) {
            (true, None) => return Ok(()),
            (true, Some(reply)) => (&STORE_REPLY, reply.values().into()),
            (false, None) => (&STORE_EVENTS, event_values(self.events, now).into()),
            (false, Some(reply)) => {
                let events = event_values(self.events, now);
                (&STORE_BOTH, events.into_iter().chain(reply.values()).collect())
            }
        };
        conn.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values))
            .await?;
        Ok(())
    }
}

impl StoredReply {
    fn values(self) -> [Value; 6] {
        [
            self.caller.into(),
            self.method.into(),
            self.key.into(),
            self.request_hash.to_vec().into(),
            self.reply.into(),
            self.expires_at.into(),
        ]
    }
}

fn event_values(events: Vec<NewEvent>, now: DateTime<Utc>) -> [Value; 10] {
    let mut counts: BTreeMap<String, i64> = BTreeMap::new();
    let mut later: Vec<i64> = events
        .iter()
        .rev()
        .map(|event| {
            let count = counts.entry(event.key.clone()).or_default();
            *count += 1;
            *count - 1
        })
        .collect();
    later.reverse();
    let (keys, counts): (Vec<String>, Vec<i64>) = counts.into_iter().unzip();
    let texts = |text: fn(&NewEvent) -> &str| -> Value {
        let texts: Vec<String> = events.iter().map(|event| text(event).to_owned()).collect();
        texts.into()
    };
    [
        keys.into(),
        counts.into(),
        now.into(),
        events.iter().map(|event| event.id).collect::<Vec<Uuid>>().into(),
        texts(|event| event.name),
        texts(|event| &event.key),
        later.into(),
        texts(|event| &event.correlation_id),
        texts(|event| event.traceparent.as_deref().unwrap_or_default()),
        events
            .iter()
            .map(|event| event.data.clone())
            .collect::<Vec<Vec<u8>>>()
            .into(),
    ]
}
