//! What an administrator prepares once for the mesh: the database, its extensions, and for each service a login role
//! that owns a schema of its own name and has no rights on any other. Running it again changes nothing.
//!
//! Production does the same with its own tools and real passwords; here the password is the role's name.

use std::str::FromStr;

use anyhow::{Context, Result, ensure};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

/// Makes database `db` and the `roles` with their schemas. `admin_url` is a superuser's, on any database.
pub async fn bootstrap(admin_url: &str, db: &str, roles: &[&str]) -> Result<()> {
    for name in roles.iter().chain([&db]) {
        ensure!(is_plain(name), "{name:?} is not a plain lower-case name");
    }
    let mut admin = PgConnectOptions::from_str(admin_url)?
        .connect()
        .await
        .context("cannot reach PostgreSQL")?;
    // Roles belong to the whole server, so concurrent callers take turns; the lock is one of this database.
    execute(
        &mut admin,
        "SELECT pg_advisory_lock(hashtext('carshare bootstrap'))",
    )
    .await?;
    let exists: Option<i32> = sqlx::query_scalar("SELECT 1 FROM pg_database WHERE datname = $1")
        .bind(db)
        .fetch_optional(&mut admin)
        .await?;
    if exists.is_none() {
        execute(&mut admin, format!("CREATE DATABASE {db}")).await?;
    }
    let mut inside = PgConnectOptions::from_str(admin_url)?
        .database(db)
        .connect()
        .await?;
    prepare_database(&mut inside, db).await?;
    for role in roles {
        prepare_role(&mut inside, role)
            .await
            .with_context(|| format!("cannot prepare role {role}"))?;
    }
    inside.close().await?;
    admin.close().await?;
    Ok(())
}

/// The URL of `role` on `db`, on the server of `admin_url`.
pub fn role_url(admin_url: &str, db: &str, role: &str) -> Result<String> {
    let options = PgConnectOptions::from_str(admin_url)?
        .username(role)
        .password(role)
        .database(db);
    // Only what another client needs: sqlx would add its own parameters.
    Ok(format!(
        "postgres://{role}:{role}@{}:{}/{db}",
        options.get_host(),
        options.get_port()
    ))
}

async fn prepare_database(connection: &mut PgConnection, db: &str) -> Result<()> {
    // Extensions live in `public`, which every role may use and none may create in.
    for statement in [
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC".to_owned(),
        format!("REVOKE CREATE ON DATABASE {db} FROM PUBLIC"),
        "CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA public".to_owned(),
        "CREATE EXTENSION IF NOT EXISTS cube WITH SCHEMA public".to_owned(),
        "CREATE EXTENSION IF NOT EXISTS earthdistance WITH SCHEMA public".to_owned(),
    ] {
        execute(connection, statement).await?;
    }
    Ok(())
}

async fn prepare_role(connection: &mut PgConnection, role: &str) -> Result<()> {
    let exists: Option<i32> = sqlx::query_scalar("SELECT 1 FROM pg_roles WHERE rolname = $1")
        .bind(role)
        .fetch_optional(&mut *connection)
        .await?;
    if exists.is_none() {
        execute(connection, format!("CREATE ROLE {role} LOGIN PASSWORD '{role}'")).await?;
        execute(
            connection,
            format!("ALTER ROLE {role} SET search_path = {role}, public"),
        )
        .await?;
    }
    execute(
        connection,
        format!("CREATE SCHEMA IF NOT EXISTS {role} AUTHORIZATION {role}"),
    )
    .await?;
    execute(connection, format!("REVOKE ALL ON SCHEMA {role} FROM PUBLIC")).await
}

async fn execute(connection: &mut PgConnection, statement: impl Into<String>) -> Result<()> {
    connection.execute(AssertSqlSafe(statement.into())).await?;
    Ok(())
}

/// Names go into statements as they are, so only the plainest are taken.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}
