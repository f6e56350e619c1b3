//! Tokens that a mesh accepts, for users whom no RPC registers.

use carshare_chassis::Random;
use carshare_chassis::config::Seal;
use carshare_chassis::encryption::Sealer;
use carshare_testkit::Tokens;

use super::Sql;

/// Variable of the key with which auth encrypts its signing key, and the key of tests: 32 bytes in base64.
pub const SEALING_KEY: (&str, &str) = (
    "AUTH__SEAL__KEYS__LOCAL",
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
);

/// Returns an issuer with the signing key of a mesh that was started with [`SEALING_KEY`].
pub async fn tokens(sql: &Sql) -> Tokens {
    let config = Seal {
        primary: "local".to_owned(),
        keys: [("local".to_owned(), SEALING_KEY.1.to_owned().into())].into(),
    };
    let sealer = Sealer::new(&config, Random::system()).expect("a key");
    let row = "SELECT kid || ' ' || encode(sealed_private_key, 'hex') FROM auth.signing_keys";
    let row = sql.texts(row).await.remove(0);
    let (kid, sealed) = row.split_once(' ').expect("two columns");
    let sealed: Vec<u8> = sealed
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hex"))
        .collect();
    let private = sealer
        .open(&format!("signing_keys/{kid}"), &sealed)
        .expect("it opens");
    Tokens::with_key(kid, &private).expect("a key")
}
