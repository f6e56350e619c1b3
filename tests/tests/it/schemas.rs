//! Each service has a schema and a role of its own, and the role reaches no other schema.

use std::collections::BTreeSet;

use carshare_mesh::dependencies::SERVICES;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};

use crate::harness::mesh;

/// `insufficient_privilege`
const DENIED: &str = "42501";

/// Executes a statement; the SQLSTATE of its error.
async fn sqlstate(role: &mut PgConnection, statement: String) -> Option<String> {
    let result = sqlx::query(AssertSqlSafe(statement)).execute(role).await;
    let error = result.err()?;
    Some(
        error
            .as_database_error()
            .expect("PostgreSQL's own error")
            .code()
            .expect("a code")
            .into_owned(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn database_role_cannot_reach_other_schemas() {
    let mesh = mesh().await;
    let denied = Some(DENIED.to_owned());
    let mut tried = 0;
    for service in SERVICES {
        let url = mesh.dependencies().database_url(service).expect("a URL");
        let mut role = PgConnection::connect(&url).await.expect("a connection");
        let tables: Vec<(String, String)> = sqlx::query_as(
            "SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relkind IN ('r', 'p', 'v', 'S') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'public', 'pg_toast')",
        )
        .fetch_all(&mut role)
        .await
        .expect("a readable catalogue");
        let schemas: BTreeSet<&str> = tables.iter().map(|(schema, _)| schema.as_str()).collect();
        assert_eq!(
            schemas,
            SERVICES.into_iter().collect(),
            "each service has its schema and there is no other"
        );
        for (schema, table) in &tables {
            let read = sqlstate(&mut role, format!("SELECT * FROM {schema}.{table} LIMIT 0")).await;
            let expected = if schema == service { None } else { denied.clone() };
            assert_eq!(read, expected, "{service} reads {schema}.{table}");
            tried += usize::from(schema != service);
        }
        for schema in SERVICES.into_iter().filter(|schema| *schema != service) {
            for statement in [
                format!("CREATE TABLE {schema}.mine (id int)"),
                format!("DROP SCHEMA {schema} CASCADE"),
                format!("GRANT USAGE ON SCHEMA {schema} TO {service}"),
                format!("SET ROLE {schema}"),
            ] {
                assert_eq!(
                    sqlstate(&mut role, statement.clone()).await,
                    denied,
                    "{service}: {statement}"
                );
            }
        }
        assert_eq!(
            sqlstate(&mut role, "CREATE TABLE public.mine (id int)".to_owned()).await,
            denied,
            "{service}"
        );
        let is_super: bool = sqlx::query_scalar(
            "SELECT rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = current_user",
        )
        .fetch_one(&mut role)
        .await
        .expect("a row");
        assert!(!is_super, "{service}");
    }
    assert!(tried >= 100, "only {tried} tables were tried");
}
