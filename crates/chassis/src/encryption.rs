//! Encryption of secrets at rest: AES-256-GCM with keys by id, so that keys can be rotated while old values still decrypt.
//!
//! A sealed value is `version (1) | length of the key id (1) | key id | nonce (12) | ciphertext and tag`. The associated
//! data is its place (table, column, row): a value copied to another row does not decrypt there.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context as _, bail, ensure};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::config;
use crate::random::Random;

/// Version of the layout above.
const VERSION: u8 = 1;

/// Encrypts and decrypts secrets.
pub struct Sealer {
    primary: String,
    keys: BTreeMap<String, LessSafeKey>,
    random: Random,
}

impl Sealer {
    /// # Errors
    /// An invalid key; the error has its id only.
    pub fn new(config: &config::Seal, random: Random) -> anyhow::Result<Self> {
        let mut keys = BTreeMap::new();
        for (id, secret) in &config.keys {
            ensure!(
                !id.is_empty() && id.len() <= 255,
                "seal.keys: an id has 1 to 255 bytes"
            );
            let bytes = STANDARD
                .decode(secret.expose().trim())
                .ok()
                .filter(|bytes| bytes.len() == 32);
            let bytes = bytes.with_context(|| format!("seal.keys.{id} is not 32 bytes in base64"))?;
            let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| anyhow::anyhow!("seal.keys.{id}"))?;
            keys.insert(id.clone(), LessSafeKey::new(key));
        }
        ensure!(
            keys.contains_key(&config.primary),
            "seal.primary names no key of seal.keys"
        );
        Ok(Self {
            primary: config.primary.clone(),
            keys,
            random,
        })
    }

    /// Returns the id of the key that encrypts new values.
    pub fn primary(&self) -> &str {
        &self.primary
    }

    /// Returns the bytes with which every value of the primary key begins, and no value of another key.
    pub fn primary_prefix(&self) -> Vec<u8> {
        // The length of an id was checked.
        let length = u8::try_from(self.primary.len()).unwrap_or(u8::MAX);
        [&[VERSION, length], self.primary.as_bytes()].concat()
    }

    /// Encrypts with the primary key and a random nonce.
    pub fn seal(&self, place: &str, plaintext: &[u8]) -> anyhow::Result<Vec<u8>> {
        let key = self.keys.get(&self.primary).context("no primary key")?;
        let nonce: [u8; NONCE_LEN] = self.random.bytes();
        let mut sealed = self.primary_prefix();
        sealed.extend_from_slice(&nonce);
        let mut text = plaintext.to_vec();
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place), &mut text)
            .map_err(|_| anyhow::anyhow!("cannot seal"))?;
        sealed.append(&mut text);
        Ok(sealed)
    }

    /// Decrypts a value that [`Sealer::seal`] returned for the same place.
    pub fn open(&self, place: &str, sealed: &[u8]) -> anyhow::Result<Vec<u8>> {
        let (id, nonce, text) = split(sealed).context("not a sealed value")?;
        let Some(key) = self.keys.get(id) else {
            bail!("sealed with the unknown key {id}")
        };
        let mut text = text.to_vec();
        let plain = key.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(place), &mut text);
        Ok(plain
            .map_err(|_| anyhow::anyhow!("the sealed value was changed or has another place"))?
            .to_vec())
    }
}

fn split(sealed: &[u8]) -> Option<(&str, [u8; NONCE_LEN], &[u8])> {
    let (&version, rest) = sealed.split_first()?;
    let (&id_length, rest) = rest.split_first()?;
    let (id, rest) = rest.split_at_checked(usize::from(id_length))?;
    let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>()?;
    (version == VERSION).then_some(())?;
    Some((std::str::from_utf8(id).ok()?, *nonce, text))
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealer(primary {}, {} keys)", self.primary, self.keys.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Seal, Secret};
    use proptest::prelude::*;

    fn config(primary: &str, ids: &[&str]) -> Seal {
        let key = |id: &str| Secret::from(STANDARD.encode([id.len() as u8; 32]));
        Seal {
            primary: primary.into(),
            keys: ids.iter().map(|id| ((*id).to_owned(), key(id))).collect(),
        }
    }

    fn sealer(primary: &str, ids: &[&str]) -> Sealer {
        Sealer::new(&config(primary, ids), Random::seeded(1)).unwrap()
    }

    #[test]
    fn value_decrypts_in_its_place_only() {
        let sealer = sealer("k1", &["k1"]);
        let sealed = sealer.seal("methods.billing_key/7", b"billing").unwrap();
        assert!(!sealed.windows(7).any(|w| w == b"billing"));
        assert_eq!(sealer.open("methods.billing_key/7", &sealed).unwrap(), b"billing");
        assert!(sealer.open("methods.billing_key/8", &sealed).is_err());
    }

    #[test]
    fn old_keys_decrypt_while_they_are_configured() {
        let old = sealer("k1", &["k1"]).seal("p", b"x").unwrap();
        let rotated = sealer("key2", &["k1", "key2"]);
        assert_eq!(rotated.open("p", &old).unwrap(), b"x");
        let error = sealer("key2", &["key2"]).open("p", &old).unwrap_err();
        assert_eq!(error.to_string(), "sealed with the unknown key k1");
    }

    #[test]
    fn same_secret_is_sealed_to_other_bytes_each_time() {
        let sealer = sealer("k1", &["k1"]);
        assert_ne!(sealer.seal("p", b"x").unwrap(), sealer.seal("p", b"x").unwrap());
    }

    #[test]
    fn invalid_keys_are_refused_without_being_printed() {
        assert!(Sealer::new(&config("missing", &["k1"]), Random::system()).is_err());
        let mut short = config("k1", &["k1"]);
        short.keys.insert("k1".into(), Secret::from("c2hvcnQ="));
        let error = Sealer::new(&short, Random::system()).unwrap_err();
        assert_eq!(error.to_string(), "seal.keys.k1 is not 32 bytes in base64");
    }

    proptest! {
        #[test]
        fn changed_value_does_not_decrypt(plain: Vec<u8>, at: prop::sample::Index, flip in 1u8..) {
            let sealer = sealer("k1", &["k1"]);
            let mut sealed = sealer.seal("p", &plain).unwrap();
            prop_assert_eq!(&sealer.open("p", &sealed).unwrap(), &plain);
            let at = at.index(sealed.len());
            sealed[at] ^= flip;
            prop_assert!(sealer.open("p", &sealed).is_err());
        }

        #[test]
        fn random_bytes_are_an_error(bytes: Vec<u8>) {
            prop_assert!(sealer("k1", &["k1"]).open("p", &bytes).is_err());
        }
    }
}
