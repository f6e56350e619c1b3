//! The keys that type a text, on a QWERTY keyboard and with the Korean two-set layout (두벌식).

use std::collections::HashSet;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Keys of the initial consonants from U+1100.
const INITIALS: [&str; 19] = [
    "r", "r", "s", "e", "e", "f", "a", "q", "q", "t", "t", "d", "w", "w", "c", "z", "x", "v", "g",
];
/// Keys of the vowels from U+1161.
const VOWELS: [&str; 21] = [
    "k", "o", "i", "o", "j", "p", "u", "p", "h", "hk", "ho", "hl", "y", "n", "nj", "np", "nl", "b", "m",
    "ml", "l",
];
/// Keys of the final consonants from U+11A8.
const FINALS: [&str; 27] = [
    "r", "r", "rt", "s", "sw", "sg", "e", "f", "fr", "fa", "fq", "ft", "fx", "fv", "fg", "a", "q", "qt", "t",
    "t", "d", "w", "c", "z", "x", "v", "g",
];

/// Rows of keys, each with the characters that Shift gives.
const ROWS: [(&str, &str); 4] = [
    ("`1234567890-=", "~!@#$%^&*()_+"),
    (" qwertyuiop[]\\", " qwertyuiop{}|"),
    (" asdfghjkl;'", " asdfghjkl:\""),
    (" zxcvbnm,./", " zxcvbnm<>?"),
];

/// Returns the keys of a text in lower case: `비밀번호` and `qlalfqjsgh` have the same. Compatibility forms and accents are
/// reduced to their base characters.
pub(super) fn keys(text: &str) -> String {
    let mut keys = String::with_capacity(text.len());
    for letter in text.nfkd().filter(|letter| !is_combining_mark(*letter)) {
        if let Some(typed) = jamo(letter) {
            keys.push_str(typed);
        } else {
            keys.extend(letter.to_lowercase());
        }
    }
    keys
}

fn jamo(letter: char) -> Option<&'static str> {
    let at = |table: &[&'static str], first: u32| {
        let index = u32::from(letter).checked_sub(first)?;
        table.get(usize::try_from(index).ok()?).copied()
    };
    at(&INITIALS, 0x1100)
        .or_else(|| at(&VOWELS, 0x1161))
        .or_else(|| at(&FINALS, 0x11A8))
}

/// Returns the number of Hangul syllables that lower-case keys type, `None` if they type anything else or incomplete syllables.
pub(super) fn syllables(keys: &str) -> Option<usize> {
    if !keys.bytes().all(|key| key.is_ascii_lowercase()) {
        return None;
    }
    let mut rest = keys;
    let mut count = 0;
    while !rest.is_empty() {
        let vowel = rest.find(is_vowel)?;
        // The last consonant begins the syllable; those before it end the previous one.
        let end_of_previous = rest.get(..vowel.checked_sub(1)?)?;
        if !end_of_previous.is_empty() && (count == 0 || !FINALS.contains(&end_of_previous)) {
            return None;
        }
        let (_, from_vowel) = rest.split_at(vowel);
        let after = from_vowel.trim_start_matches(is_vowel);
        let typed = from_vowel.strip_suffix(after)?;
        if !VOWELS.contains(&typed) {
            return None;
        }
        count += 1;
        rest = after;
        if FINALS.contains(&rest) {
            rest = "";
        }
    }
    (count > 0).then_some(count)
}

fn is_vowel(key: char) -> bool {
    "yuiophjklbnm".contains(key)
}

/// Counts the keys that do not follow from those before: by repetition, by the order of letters and digits, or as a
/// neighbour on the keyboard.
pub(super) fn unpredictable(keys: &str) -> usize {
    let keys: Vec<char> = keys.chars().collect();
    let mut pairs = HashSet::new();
    let steps = keys.windows(2).filter(|pair| {
        let follows =
            u32::from(pair[0]).abs_diff(u32::from(pair[1])) <= 1 || are_neighbours(pair[0], pair[1]);
        !follows & pairs.insert((pair[0], pair[1]))
    });
    steps.count() + 1
}

fn are_neighbours(a: char, b: char) -> bool {
    let (Some(a), Some(b)) = (position(a), position(b)) else {
        return false;
    };
    a.0.abs_diff(b.0) <= 1 && a.1.abs_diff(b.1) <= 1
}

/// Returns row and column of a key.
fn position(key: char) -> Option<(usize, usize)> {
    if key == ' ' {
        return None;
    }
    ROWS.iter().enumerate().find_map(|(row, (plain, shifted))| {
        let column = |keys: &str| keys.chars().position(|other| other == key);
        Some((row, column(plain).or_else(|| column(shifted))?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hangul_and_its_keys_are_the_same() {
        for (hangul, typed) in [
            ("비밀번호", "qlalfqjsgh"),
            ("사랑해", "tkfkdgo"),
            ("닭값", "ekfrrkqt"),
            ("ㅂㅣㅁㅣㄹ", "qlalf"),
            ("ㅃㄲ", "qr"),
            ("ＡbÇ1", "abc1"),
        ] {
            assert_eq!(keys(hangul), typed, "{hangul}");
            assert_eq!(keys(&typed.to_uppercase()), typed);
        }
    }

    #[test]
    fn only_whole_hangul_syllables_are_counted() {
        for (text, count) in [
            ("qkrrhkddy", Some(3)),
            ("사랑", Some(2)),
            ("닭값", Some(2)),
            ("초록빛자전거", Some(6)),
            ("correct", None),
            ("ㅋㅋㅋㅋ", None),
            ("사랑z", None),
            ("ㅏ랑", None),
            ("가1", None),
            ("漢漢ㅏ", None),
            ("", None),
        ] {
            assert_eq!(syllables(&keys(text)), count, "{text}");
        }
    }

    #[test]
    fn only_keys_that_do_not_follow_are_counted() {
        for (keys, count) in [
            ("aaaaaaaa", 1),
            ("abcdcba", 1),
            ("qwertyuiop", 1),
            ("1qaz2wsx", 2),
            ("!qaz@wsx", 2),
            ("k7k7k7k7", 3),
            ("correct horse", 8),
        ] {
            assert_eq!(unpredictable(keys), count, "{keys}");
        }
    }
}
