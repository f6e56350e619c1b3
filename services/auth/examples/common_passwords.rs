//! Makes `src/domain/password/common_passwords.txt.gz`: reads passwords from standard input, the most used first, one per
//! line, and writes the first 100,000 of at least eight characters in the form in which they are compared.
//!
//! `cargo run -p carshare-auth --example common_passwords < list.txt > services/auth/src/domain/password/common_passwords.txt.gz`

use std::collections::BTreeSet;
use std::io::{self, BufRead as _, Write as _};

use carshare_auth::domain::password::{CHARACTERS_MIN, fold};
use flate2::Compression;
use flate2::write::GzEncoder;

/// Passwords of the list.
const LIMIT: usize = 100_000;

fn main() -> io::Result<()> {
    let mut passwords = BTreeSet::new();
    let mut taken = 0;
    for line in io::stdin().lock().split(b'\n') {
        // The source has a few lines in other encodings.
        let Ok(password) = String::from_utf8(line?) else {
            continue;
        };
        if password.chars().count() >= CHARACTERS_MIN && taken < LIMIT {
            taken += 1;
            passwords.insert(fold(&password));
        }
    }
    let mut out = GzEncoder::new(io::stdout().lock(), Compression::best());
    for password in passwords.iter().filter(|p| p.chars().count() >= CHARACTERS_MIN) {
        writeln!(out, "{password}")?;
    }
    out.finish()?.flush()
}
