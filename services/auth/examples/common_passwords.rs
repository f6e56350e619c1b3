//! Makes `src/domain/password/common_passwords.txt.gz`: reads passwords from standard input, the most used first, one per
//! line, and writes in the form in which they are compared
//!
//! - the first 100,000 of at least eight characters;
//! - the words that are in three passwords or more, alone or between digits and punctuation.
//!
//! `cargo run -p carshare-auth --example common_passwords < list.txt > services/auth/src/domain/password/common_passwords.txt.gz`

use std::collections::{BTreeSet, HashMap};
use std::io::{self, BufRead as _, Write as _};

use carshare_auth::domain::password::{CHARACTERS_MIN, fold};
use flate2::Compression;
use flate2::write::GzEncoder;

/// Passwords of the list.
const LIMIT: usize = 100_000;

/// Shortest word.
const WORD_LENGTH_MIN: usize = 4;

/// Passwords that a word is in.
const WORD_USES_MIN: u32 = 3;

fn main() -> io::Result<()> {
    let mut entries = BTreeSet::new();
    let mut words = HashMap::<String, u32>::new();
    let mut taken = 0;
    for line in io::stdin().lock().split(b'\n') {
        // The source has a few lines in other encodings.
        let Ok(password) = String::from_utf8(line?) else {
            continue;
        };
        let folded = fold(&password);
        if password.chars().count() >= CHARACTERS_MIN && taken < LIMIT {
            taken += 1;
            if folded.chars().count() >= CHARACTERS_MIN {
                entries.insert(folded);
            }
        }
        let lower_case = password.to_lowercase();
        let word = lower_case.trim_matches(|key: char| !key.is_ascii_alphabetic());
        if word.len() >= WORD_LENGTH_MIN && word.bytes().all(|key| key.is_ascii_alphabetic()) {
            *words.entry(fold(word)).or_default() += 1;
        }
    }
    let used = words.into_iter().filter(|(_, uses)| *uses >= WORD_USES_MIN);
    entries.extend(used.map(|(word, _)| word));
    let mut out = GzEncoder::new(io::stdout().lock(), Compression::best());
    for entry in entries {
        writeln!(out, "{entry}")?;
    }
    out.finish()?.flush()
}
