//! Secrets of a local mesh: generated at the first start and stored with its data, which cannot be read without them.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use carshare_chassis::Random;

/// Key that encrypts secrets at rest.
pub(crate) const SEALING_KEY: &str = "sealing-key";
/// Secret access key of the object storage.
pub(crate) const S3_KEY: &str = "s3-key";

/// Returns 32 bytes in base64: those of the file `name` in the folder, or new ones.
pub(crate) fn of_folder(folder: Option<&Path>, name: &str, random: &Random) -> Result<String> {
    let generate = || STANDARD.encode(random.bytes::<32>());
    let Some(folder) = folder else {
        return Ok(generate());
    };
    let path = folder.join(name);
    match std::fs::read_to_string(&path) {
        Ok(key) => Ok(key),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = generate();
            let mut options = std::fs::OpenOptions::new();
            let file = options.write(true).create_new(true).mode(0o600).open(&path);
            file.and_then(|mut file| file.write_all(key.as_bytes()))
                .with_context(|| format!("cannot write {}", path.display()))?;
            Ok(key)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_is_kept_in_a_private_file() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = carshare_devservers::TempDir::create("secrets").expect("a folder");
        let random = Random::system();
        let key = of_folder(Some(folder.path()), SEALING_KEY, &random).expect("a key");
        assert_eq!(
            of_folder(Some(folder.path()), SEALING_KEY, &random).expect("a key"),
            key
        );
        assert_ne!(of_folder(None, SEALING_KEY, &random).expect("a key"), key);
        let mode = std::fs::metadata(folder.path().join(SEALING_KEY))
            .expect("a file")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
