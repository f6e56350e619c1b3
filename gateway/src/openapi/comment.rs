//! Comments of the contract, their lines joined to paragraphs.

use carshare_proto::contract::comment_of;
use prost_reflect::FileDescriptor;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Comment {
    /// Paragraphs separated by an empty line.
    pub(super) text: String,
}

impl Comment {
    /// Returns the comment of the definition at `path` in `file`.
    pub(super) fn of(file: &FileDescriptor, path: &[i32]) -> Self {
        Self::new(&comment_of(file, path))
    }

    fn new(lines: &str) -> Self {
        let paragraphs = lines
            .split("\n\n")
            .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "));
        Self {
            text: paragraphs.collect::<Vec<_>>().join("\n\n"),
        }
    }

    /// Returns the first sentence, without its full stop.
    pub(super) fn summary(&self) -> &str {
        let paragraph = self.text.split("\n\n").next().unwrap_or_default();
        let sentence = paragraph.split_once(". ").map_or(paragraph, |(first, _)| first);
        sentence.trim_end_matches('.')
    }

    /// Returns the names in backticks that are written like error reasons.
    pub(super) fn reasons(&self) -> impl Iterator<Item = &str> {
        let quoted = self.text.split('`').skip(1).step_by(2);
        quoted.filter(|name| {
            name.len() > 3
                && name
                    .bytes()
                    .all(|b| b.is_ascii_uppercase() || b == b'_' || b.is_ascii_digit())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_to_paragraphs_and_the_first_sentence_is_the_summary() {
        let comment = Comment::new(
            "Makes an account\nand signs it in. Once.\n\nRefusals: `EMAIL_TAKEN`, `WEAK_PASSWORD`.",
        );
        assert_eq!(
            comment.text,
            "Makes an account and signs it in. Once.\n\nRefusals: `EMAIL_TAKEN`, `WEAK_PASSWORD`."
        );
        assert_eq!(comment.summary(), "Makes an account and signs it in");
        assert_eq!(
            comment.reasons().collect::<Vec<_>>(),
            ["EMAIL_TAKEN", "WEAK_PASSWORD"]
        );
    }

    #[test]
    fn reasons_are_upper_case_names_in_backticks() {
        let comment = Comment::new("`pending` → `approved`, `PUT`, `HH:MM`. Refusals: `NOT_PAID`.");
        assert_eq!(comment.reasons().collect::<Vec<_>>(), ["NOT_PAID"]);
        assert_eq!(Comment::new("").summary(), "");
    }
}
