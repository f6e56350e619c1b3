//! The most used passwords and words, compared regardless of case, accents, keyboard layout, spaces and the digits that stand for letters, and
//! with what people add to a word: digits, years and punctuation.

use std::collections::HashSet;
use std::io::Read as _;
use std::sync::LazyLock;

use flate2::read::GzDecoder;

use super::keyboard;

/// The 100,000 most used passwords of at least eight characters and the words of the most used million, folded and sorted. The README of the
/// crate has the source.
static PASSWORDS: &[u8] = include_bytes!("common_passwords.txt.gz");

/// Common Korean words, examples of famous passwords and the names of the service.
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

/// Syllables of a Korean name or word, which make no good password even with such digits: 10 million of them are quickly tried.
const SYLLABLES_MAX: usize = 3;

/// Returns the form in which passwords are compared: `P@ssw0rd` becomes `password`, and `비밀번호` `qlalfqjsgh`.
pub fn fold(text: &str) -> String {
    letters(&keyboard::keys(text))
}

/// Returns whether these keys are a listed entry or a short Korean word, alone, repeated, spaced out, or with a few digits and
/// punctuation around it.
pub(super) fn contains(keys: &str) -> bool {
    let affix = |key: char| !key.is_alphabetic();
    // A digit at the begin may stand for a letter.
    let (end_trimmed, word) = (keys.trim_end_matches(affix), keys.trim_matches(affix));
    let has_few_affixes = |word: &str| keys.chars().count() <= word.chars().count() + AFFIXES_MAX;
    let words = [end_trimmed, word];
    is_listed(keys)
        || words.iter().any(|word| has_few_affixes(word) && is_listed(word))
        || has_few_affixes(word) && keyboard::syllables(word).is_some_and(|count| count <= SYLLABLES_MAX)
}

/// Returns whether a text is listed, with its punctuation or without.
fn is_listed(keys: &str) -> bool {
    let joined: String = keys.chars().filter(|key| key.is_alphanumeric()).collect();
    [keys, &joined].into_iter().any(|keys| {
        let folded = letters(keys);
        LIST.contains(folded.as_str()) || LIST.contains(unit(&folded))
    })
}

/// Replaces digits and signs that stand for letters.
fn letters(keys: &str) -> String {
    let letter = |key| match key {
        '0' => 'o',
        '1' | '!' | 'l' => 'i',
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
        assert!(lines.len() > 110_000, "{}", lines.len());
        assert!(lines.is_sorted());
        for line in lines {
            assert_eq!(line, letters(line));
            assert!(line.chars().count() >= 4, "{line}");
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
