//! Queries of the service's tables.

use carshare_proto::events::EventMessage;
use carshare_store::StoreService;
use sea_orm::{ConnectionTrait as _, DbBackend, FromQueryResult, Statement};

use crate::service::TestService;

#[derive(FromQueryResult)]
struct EventData {
    data: Vec<u8>,
}

impl<S: StoreService> TestService<S>
where
    S::Config: Clone,
{
    /// Returns the column `count` of a query's only row.
    pub async fn count(&self, sql: &str) -> i64 {
        let row = self.db.conn().query_one_raw(statement(sql)).await;
        let row = row.expect("the query runs").expect("the query has a row");
        row.try_get("", "count").expect("a column `count`")
    }

    /// Returns the number of rows of a table.
    pub async fn row_count(&self, table: &str) -> i64 {
        self.count(&format!("SELECT count(*) AS count FROM {table}"))
            .await
    }

    /// Returns the text column `line` of a query.
    pub async fn lines(&self, sql: &str) -> Vec<String> {
        let rows = self.db.conn().query_all_raw(statement(sql)).await;
        let rows = rows.expect("the query runs");
        rows.iter()
            .map(|row| row.try_get("", "line").expect("a column `line`"))
            .collect()
    }

    /// Returns the rows of a query.
    pub async fn rows<R: FromQueryResult>(&self, sql: &str) -> Vec<R> {
        let rows = R::find_by_statement(statement(sql)).all(self.db.conn()).await;
        rows.expect("the query runs")
    }

    /// Executes statements that no service would.
    pub async fn execute(&self, sql: &str) {
        let executed = self.db.conn().execute_unprepared(sql).await;
        executed.expect("the statement runs");
    }

    /// Returns all events of a type that the service has published, in order.
    pub async fn events<E: EventMessage>(&self) -> Vec<E> {
        let sql = format!("SELECT data FROM outbox WHERE name = '{}' ORDER BY seq", E::NAME);
        let rows: Vec<EventData> = self.rows(&sql).await;
        rows.into_iter()
            .map(|row| E::decode(row.data.as_slice()).expect("an event of its type"))
            .collect()
    }

    /// Returns the only event of a type that the service has published.
    pub async fn event<E: EventMessage>(&self) -> E {
        let mut events = self.events().await;
        assert_eq!(events.len(), 1, "{}", E::NAME);
        events.remove(0)
    }

    /// Returns the names of all events that the service has published with this key, in order.
    pub async fn event_names(&self, key: &str) -> Vec<String> {
        let sql = format!("SELECT name AS line FROM outbox WHERE key = '{key}' ORDER BY seq");
        self.lines(&sql).await
    }
}

fn statement(sql: &str) -> Statement {
    Statement::from_string(DbBackend::Postgres, sql)
}
