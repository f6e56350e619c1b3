//! One-time preparation of PostgreSQL for the mesh: the database, its extensions, and for each service a login role that
//! owns the schema of the same name and has no rights on any other. Running it again sets the passwords again.
//!
//! Production does the same with its own tools. Here the passwords of the roles are derived from the superuser's.

use std::str::FromStr;

use anyhow::{Context, Result, ensure};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

use crate::credentials::{role_password, scram_verifier};

/// Creates the database `db` and the `roles` with their schemas. `admin_url` is a superuser's URL on any database.
pub async fn bootstrap(admin_url: &str, db: &str, roles: &[&str]) -> Result<()> {
    for name in roles.iter().chain([&db]) {
        ensure!(is_plain(name), "{name:?} is not a plain lower-case name");
    }
    let mut admin = PgConnectOptions::from_str(admin_url)?
        .connect()
        .await
        .context("cannot reach PostgreSQL")?;
    // Roles belong to the whole server, so concurrent callers run one after the other.
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
    let mut connection = PgConnectOptions::from_str(admin_url)?
        .database(db)
        .connect()
        .await?;
    prepare_database(&mut connection, db).await?;
    for role in roles {
        prepare_role(
            &mut connection,
            role,
            &role_password(password_of(admin_url), role),
        )
        .await
        .with_context(|| format!("cannot prepare role {role}"))?;
    }
    connection.close().await?;
    admin.close().await?;
    Ok(())
}

/// Returns the URL of `role` on the database `db` of the server that `admin_url` names.
pub fn role_url(admin_url: &str, db: &str, role: &str) -> Result<String> {
    let options = PgConnectOptions::from_str(admin_url)?;
    let password = if role == options.get_username() {
        password_of(admin_url).to_owned()
    } else {
        role_password(password_of(admin_url), role)
    };
    // Not `to_url_lossy`, which adds parameters that only sqlx reads.
    Ok(format!(
        "postgres://{role}:{password}@{}:{}/{db}",
        options.get_host(),
        options.get_port()
    ))
}

/// Returns the password in a URL, which is empty if the server asks for none.
fn password_of(url: &str) -> &str {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let user = authority.split_once('@').map_or("", |(user, _)| user);
    user.split_once(':').map_or("", |(_, password)| password)
}

async fn prepare_database(connection: &mut PgConnection, db: &str) -> Result<()> {
    // Extensions are installed in `public`, which every role may use and none may create objects in.
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

async fn prepare_role(connection: &mut PgConnection, role: &str, password: &str) -> Result<()> {
    let exists: Option<i32> = sqlx::query_scalar("SELECT 1 FROM pg_roles WHERE rolname = $1")
        .bind(role)
        .fetch_optional(&mut *connection)
        .await?;
    if exists.is_none() {
        execute(connection, format!("CREATE ROLE {role} LOGIN")).await?;
        execute(
            connection,
            format!("ALTER ROLE {role} SET search_path = {role}, public"),
        )
        .await?;
    }
    let verifier = scram_verifier(password)?;
    execute(connection, format!("ALTER ROLE {role} PASSWORD '{verifier}'")).await?;
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

/// Returns whether `name` is an identifier that needs no quoting in SQL.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}
