//! Passwords of private servers, and the folders that hold them.

use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown,
};
use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use aws_lc_rs::{digest, hmac, rand};

/// File with the password of a server, in its folder.
const FILE: &str = "password";

/// Iterations of SCRAM. A password of 128 random bits cannot be searched for, so more would only delay each connection.
const SCRAM_ITERATIONS: u32 = 1;

/// Password of a server's superuser or of its only user.
#[derive(Clone)]
pub(crate) struct Password {
    pub(crate) text: String,
    /// Whether the server's data may be older: it has been created without this password.
    pub(crate) is_new: bool,
}

impl Password {
    /// Returns the password in the folder; creates it on first use.
    pub(crate) fn in_folder(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Self { text, is_new: false }),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let text = random_hex()?;
                let mut options = std::fs::OpenOptions::new();
                let file = options.write(true).create_new(true).mode(0o600).open(&path);
                file.and_then(|mut file| file.write_all(text.as_bytes()))
                    .with_context(|| format!("cannot write {}", path.display()))?;
                Ok(Self { text, is_new: true })
            }
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }
}

/// Returns 128 random bits in hexadecimal.
pub(crate) fn random_hex() -> Result<String> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| anyhow!("no random bytes"))?;
    Ok(hex(&bytes))
}

/// Returns the password of a role: each is derived from the superuser's, which it does not show.
pub(crate) fn role_password(admin_password: &str, role: &str) -> String {
    hex(hmac_sha256(admin_password.as_bytes(), role.as_bytes()).as_ref())
}

/// Returns what PostgreSQL stores of a password (RFC 5803).
pub(crate) fn scram_verifier(password: &str) -> Result<String> {
    let mut salt = [0; 16];
    rand::fill(&mut salt).map_err(|_| anyhow!("no random bytes"))?;
    // PBKDF2 of one iteration (RFC 5802 §2.2).
    let salted = hmac_sha256(password.as_bytes(), &[&salt[..], &[0, 0, 0, 1]].concat());
    let client_key = hmac_sha256(salted.as_ref(), b"Client Key");
    let server_key = hmac_sha256(salted.as_ref(), b"Server Key");
    let stored_key = digest::digest(&digest::SHA256, client_key.as_ref());
    Ok(format!(
        "SCRAM-SHA-256${SCRAM_ITERATIONS}:{}${}:{}",
        base64(&salt),
        base64(stored_key.as_ref()),
        base64(server_key.as_ref())
    ))
}

fn hmac_sha256(key: &[u8], data: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").ok();
        text
    })
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Creates a folder that only its owner can enter, or makes an existing one private. If the owner is root, the group of user
/// `postgres` passes through it too, because root runs PostgreSQL as that user.
pub fn private_folder(path: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    let created = builder.create(path);
    created.with_context(|| format!("cannot create {}", path.display()))?;
    restrict(path).with_context(|| format!("cannot make {} private", path.display()))
}

fn restrict(path: &Path) -> std::io::Result<()> {
    const ROOT: u32 = 0;
    let owner = std::fs::metadata(path)?.uid();
    let group = (owner == ROOT).then(postgres_group).flatten();
    let is_shared = group.is_some_and(|group| chown(path, None, Some(group)).is_ok());
    let mode = if is_shared { 0o710 } else { 0o700 };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

fn postgres_group() -> Option<u32> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let line = users.lines().find(|line| line.starts_with("postgres:"))?;
    line.split(':').nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TempDir;

    #[test]
    fn password_is_random_kept_and_private() {
        let (folder, other) = (
            TempDir::create("password").unwrap(),
            TempDir::create("password").unwrap(),
        );
        let first = Password::in_folder(folder.path()).unwrap();
        let again = Password::in_folder(folder.path()).unwrap();
        assert_eq!((first.is_new, again.is_new), (true, false));
        assert_eq!(first.text, again.text);
        assert_ne!(Password::in_folder(other.path()).unwrap().text, first.text);
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder.path().join(FILE)), 0o600);
        assert_eq!(mode(folder.path()) & 0o067, 0, "nobody else lists or writes");
    }

    #[test]
    fn passwords_of_roles_differ() {
        let of = |role| role_password("secret", role);
        assert_ne!(of("auth"), of("booking"));
        assert_ne!(of("auth"), role_password("other", "auth"));
    }
}
