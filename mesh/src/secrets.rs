//! Secrets of a local mesh: generated at the first start and stored with its data, which cannot be read without them.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use carshare_chassis::Random;

const FILE: &str = "sealing-key";

/// Returns the key that encrypts secrets at rest, in base64: that of the folder, or a new one.
pub(crate) fn sealing_key(folder: Option<&Path>, random: &Random) -> Result<String> {
    let generate = || STANDARD.encode(random.bytes::<32>());
    let Some(folder) = folder else {
        return Ok(generate());
    };
    let path = folder.join(FILE);
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
    fn sealing_key_is_kept_in_a_private_file() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = carshare_devservers::TempDir::create("secrets").expect("a folder");
        let random = Random::system();
        let key = sealing_key(Some(folder.path()), &random).expect("a key");
        assert_eq!(sealing_key(Some(folder.path()), &random).expect("a key"), key);
        assert_ne!(sealing_key(None, &random).expect("a key"), key);
        let mode = std::fs::metadata(folder.path().join(FILE))
            .expect("a file")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
