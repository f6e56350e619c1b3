//! Secrets of a development mesh in containers. Each process has a folder of its own, so that it is given no other's.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use carshare_chassis::Random;
use carshare_devservers::Ca;
use carshare_devservers::bootstrap::role_url;
use carshare_mesh::dependencies::{DATABASE, SERVICES};
use clap::Args;

/// Written last.
const COMPLETE: &str = "complete";

#[derive(Args)]
pub struct SecretsArgs {
    /// Where the folder of each process is made.
    folder: PathBuf,
    /// Name and port of PostgreSQL for the processes.
    #[arg(long, default_value = "postgres:5432")]
    postgres: String,
    /// Name and port of Redis for the processes.
    #[arg(long, default_value = "redis:6379")]
    redis: String,
    /// URL of the sandbox for the processes.
    #[arg(long, default_value = "http://sandbox:8090")]
    sandbox: String,
}

/// A folder of secrets, which are files of one value.
struct Folder(PathBuf);

impl Folder {
    fn create(path: PathBuf) -> Result<Self> {
        std::fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self(path))
    }

    /// Writes a file that every user may read: which of them runs a process is the image's affair, and the folder is given to this
    /// process only.
    fn write(&self, name: &str, value: &str) -> Result<()> {
        let path = self.0.join(name);
        // Left by a call that was interrupted; only root could write to it.
        std::fs::remove_file(&path).ok();
        let written = std::fs::write(&path, value)
            .and_then(|()| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)));
        written.with_context(|| format!("cannot write {}", path.display()))
    }
}

/// Makes all secrets, unless an earlier call has.
pub async fn make(args: &SecretsArgs) -> Result<()> {
    let root = &args.folder;
    if root.join("postgres").join(COMPLETE).exists() {
        return Ok(());
    }
    let random = Random::system();
    // In URLs as they are.
    let password = || URL_SAFE_NO_PAD.encode(random.bytes::<16>());
    let (admin_password, redis_password, s3_key) = (password(), password(), password());
    let admin_url = format!("postgres://postgres:{admin_password}@{}/postgres", args.postgres);
    let redis_url = format!("redis://:{redis_password}@{}/0", args.redis);
    let account = carshare_sandbox::generate_service_account(&args.sandbox)
        .await?
        .to_string();
    let ca = Ca::new()?;
    for name in SERVICES.into_iter().chain(["gateway"]) {
        let folder = Folder::create(root.join(name))?;
        let certificate = ca.issue(name)?;
        folder.write("ca.pem", &ca.cert_pem())?;
        folder.write("cert.pem", &certificate.cert_pem)?;
        folder.write("key.pem", &certificate.key_pem)?;
        folder.write("redis-url", &redis_url)?;
        if SERVICES.contains(&name) {
            folder.write("database-url", &role_url(&admin_url, DATABASE, name)?)?;
        }
        if ["auth", "payment"].contains(&name) {
            folder.write("seal-key", &STANDARD.encode(random.bytes::<32>()))?;
        }
        if ["auth", "vehicle", "booking"].contains(&name) {
            folder.write("objects-secret-key", &s3_key)?;
        }
        if name == "notification" {
            folder.write("push-service-account.json", &account)?;
        }
    }
    Folder::create(root.join("sandbox"))?.write("service-account.json", &account)?;
    Folder::create(root.join("s3"))?.write("secret-key", &s3_key)?;
    let redis = format!("requirepass {redis_password}\nappendonly yes\ndir /data\n");
    Folder::create(root.join("redis"))?.write("redis.conf", &redis)?;
    let postgres = Folder::create(root.join("postgres"))?;
    postgres.write("password", &admin_password)?;
    postgres.write("admin-url", &admin_url)?;
    postgres.write(COMPLETE, "")?;
    println!("made secrets in {}", root.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use carshare_devservers::TempDir;

    use super::*;

    fn args(folder: &Path) -> SecretsArgs {
        SecretsArgs {
            folder: folder.to_owned(),
            postgres: "postgres:5432".to_owned(),
            redis: "redis:6379".to_owned(),
            sandbox: "http://sandbox:8090".to_owned(),
        }
    }

    #[tokio::test]
    async fn each_process_gets_its_own_secrets_once() {
        let folder = TempDir::create("dev-secrets").unwrap();
        make(&args(folder.path())).await.unwrap();
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        let first = read("booking/database-url");
        assert!(first.starts_with("postgres://booking:") && first.ends_with("@postgres:5432/carshare"));
        assert_ne!(first, read("vehicle/database-url"));
        assert_ne!(read("auth/seal-key"), read("payment/seal-key"));
        assert_eq!(
            read("sandbox/service-account.json"),
            read("notification/push-service-account.json")
        );
        assert!(!folder.path().join("booking/seal-key").exists());
        make(&args(folder.path())).await.unwrap();
        assert_eq!(read("booking/database-url"), first);
    }

    #[tokio::test]
    async fn interrupted_call_is_repeated() {
        let folder = TempDir::create("dev-secrets").unwrap();
        make(&args(folder.path())).await.unwrap();
        std::fs::remove_file(folder.path().join("postgres").join(COMPLETE)).unwrap();
        make(&args(folder.path())).await.unwrap();
        assert!(folder.path().join("postgres").join(COMPLETE).exists());
    }
}
