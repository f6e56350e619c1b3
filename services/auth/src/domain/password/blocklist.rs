//! The most used passwords and common Korean words, compared regardless of case, accents, keyboard layout and the digits
//! that stand for letters.

use std::collections::HashSet;
use std::io::Read as _;
use std::sync::LazyLock;

use flate2::read::GzDecoder;

use super::keyboard;

/// The 100,000 most used passwords of at least eight characters, folded and sorted. The README of the crate has the source.
static PASSWORDS: &[u8] = include_bytes!("common_passwords.txt.gz");

/// Common Korean words and the names of the service.
static WORDS: &str = include_str!("words.txt");

/// All folded entries, one per line; 2 MB. Decompressed at the first check.
static TEXT: LazyLock<String> = LazyLock::new(|| {
    let mut text = String::new();
    if let Err(error) = GzDecoder::new(PASSWORDS).read_to_string(&mut text) {
        // A test reads the embedded file.
        tracing::error!(%error, "the list of common passwords cannot be read");
    }
    for word in WORDS.lines() {
        text.push_str(&fold(word));
        text.push('\n');
    }
    text
});

static LIST: LazyLock<HashSet<&'static str>> = LazyLock::new(|| TEXT.lines().collect());

/// Digits and punctuation around a common word that make no good password of it.
const AFFIXES_MAX: usize = 6;

/// Returns the form in which passwords are compared: `P@ssw0rd` becomes `password`, and `비밀번호` `qlalfqjsgh`.
pub fn fold(text: &str) -> String {
    letters(&keyboard::keys(text))
}

/// Returns whether these keys are a listed entry, alone, repeated, or with a few digits and punctuation around it.
pub(super) fn contains(keys: &str) -> bool {
    let word = keys.trim_matches(|key: char| !key.is_alphabetic());
    let has_few_affixes = keys.chars().count() <= word.chars().count() + AFFIXES_MAX;
    is_listed(&letters(keys)) || has_few_affixes && is_listed(&letters(word))
}

fn is_listed(folded: &str) -> bool {
    LIST.contains(folded) || LIST.contains(unit(folded))
}

/// Replaces digits and signs that stand for letters.
fn letters(keys: &str) -> String {
    let letter = |key| match key {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    };
    keys.chars().map(letter).collect()
}

/// Returns the shortest text of which this one is a repetition.
fn unit(text: &str) -> &str {
    let lengths = (1..=text.len() / 2).filter(|length| text.len().is_multiple_of(*length));
    let mut units = lengths.filter_map(|length| text.get(..length));
    let unit = units.find(|unit| unit.repeat(text.len() / unit.len()) == text);
    unit.unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_list_is_whole_and_folded() {
        let mut text = String::new();
        GzDecoder::new(PASSWORDS).read_to_string(&mut text).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.len() > 90_000, "{}", lines.len());
        assert!(lines.is_sorted());
        for line in lines {
            assert_eq!(line, letters(line));
            assert!(line.chars().count() >= 8, "{line}");
        }
        assert!(WORDS.lines().count() > 200);
    }

    #[test]
    fn repetition_is_reduced_to_its_unit() {
        for (text, expected) in [
            ("abab", "ab"),
            ("aaaa", "a"),
            ("abcab", "abcab"),
            ("가가", "가"),
            ("", ""),
        ] {
            assert_eq!(unit(text), expected);
        }
    }
}
