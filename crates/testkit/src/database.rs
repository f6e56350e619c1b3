//! A database per test, cloned from a template that is migrated once per process.

mod reaper;

use std::any::TypeId;
use std::collections::HashMap;
use std::future::Future;
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use anyhow::{Context, Result};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use tokio::sync::OnceCell;

use carshare_devservers::bootstrap::{bootstrap, role_url};

/// Database of the shared server for one test. It is removed in the background when this value is dropped.
pub struct Database {
    admin_url: String,
    name: String,
    role: String,
}

impl Database {
    /// Creates a database in which `role` owns its schema and `migrate` (given the role's URL) has run. The migration runs
    /// once per process; each call clones the result (about 30 ms).
    pub async fn create<F, R>(role: &str, migrate: F) -> Self
    where
        F: FnOnce(String) -> R + 'static,
        R: Future<Output = Result<()>>,
    {
        let role_name = role.to_owned();
        let migrate_one = move |admin: String, name: String| async move {
            migrate(role_url(&admin, &name, &role_name)?).await
        };
        Self::cloned::<F, _, _>(&[role], migrate_one)
            .await
            .expect("the test database is created")
    }

    /// Like [`Self::create`] for several roles in one database: `migrate` gets their URLs in the order of `roles`.
    pub async fn create_many<F, R>(roles: &[&str], migrate: F) -> Self
    where
        F: FnOnce(Vec<String>) -> R + 'static,
        R: Future<Output = Result<()>>,
    {
        let migrate_all = move |admin: String, name: String| async move {
            let urls = roles.iter().map(|role| role_url(&admin, &name, role));
            migrate(urls.collect::<Result<_>>()?).await
        };
        Self::cloned::<F, _, _>(roles, migrate_all)
            .await
            .expect("the test database is created")
    }

    /// `Key` identifies the set of migrations: the type of the caller's function.
    async fn cloned<Key: 'static, F, R>(roles: &[&str], migrate: F) -> Result<Self>
    where
        F: FnOnce(String, String) -> R,
        R: Future<Output = Result<()>>,
    {
        let admin_url = crate::postgres().await;
        let template = template_cell(roles.join("+"), TypeId::of::<Key>());
        let template = template
            .get_or_try_init(async || {
                let name = next_name("template");
                bootstrap(&admin_url, &name, roles).await?;
                migrate(admin_url.clone(), name.clone())
                    .await
                    .context("the migration failed")?;
                anyhow::Ok(name)
            })
            .await?;
        let name = next_name("test");
        let mut admin = PgConnectOptions::from_str(&admin_url)?.connect().await?;
        admin
            .execute(AssertSqlSafe(format!(
                "CREATE DATABASE {name} TEMPLATE {template}"
            )))
            .await?;
        admin.close().await?;
        let role = roles.first().context("a database needs a role")?.to_string();
        Ok(Self {
            admin_url,
            name,
            role,
        })
    }

    /// Returns the URL of the first role on this database.
    pub fn url(&self) -> String {
        self.url_of(&self.role)
    }

    /// Returns the URL of `role` on this database.
    pub fn url_of(&self, role: &str) -> String {
        role_url(&self.admin_url, &self.name, role).expect("the server's URL was usable before")
    }

    /// Returns the superuser's URL of this database.
    pub fn admin_url(&self) -> String {
        let options =
            PgConnectOptions::from_str(&self.admin_url).expect("the server's URL was usable before");
        options.database(&self.name).to_url_lossy().to_string()
    }

    /// Returns the database's name on the server.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        reaper::remove(&self.admin_url, &self.name);
    }
}

type Templates = HashMap<(String, TypeId), Arc<OnceCell<String>>>;

fn template_cell(roles: String, migrations: TypeId) -> Arc<OnceCell<String>> {
    static TEMPLATES: LazyLock<Mutex<Templates>> = LazyLock::new(Mutex::default);
    let mut templates = TEMPLATES.lock().unwrap_or_else(PoisonError::into_inner);
    templates.entry((roles, migrations)).or_default().clone()
}

fn next_name(kind: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!(
        "carshare_{kind}_{}_{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}
