//! Language of a caller: Korean, or English if the request prefers it.

use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;

/// Languages of all texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    #[default]
    Ko,
    En,
}

impl Lang {
    /// Returns the BCP 47 tag.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Ko => "ko",
            Self::En => "en",
        }
    }

    /// Returns the language of a request by its `Accept-Language` header.
    pub fn of_request(headers: &HeaderMap) -> Self {
        let value = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        value.map_or(Self::default(), Self::from_accept_language)
    }

    /// Returns the preferred of our languages for an `Accept-Language` value (RFC 9110 §12.5.4); Korean when it names
    /// neither.
    pub fn from_accept_language(value: &str) -> Self {
        let mut best = (Self::Ko, 0.0);
        for range in value.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let Some(lang) = parts.next().and_then(Self::from_range) else {
                continue;
            };
            let weight = parts
                .find_map(|p| p.strip_prefix("q="))
                .map_or(1.0, |q| q.parse::<f32>().unwrap_or(0.0));
            if weight > best.1 {
                best = (lang, weight);
            }
        }
        best.0
    }

    fn from_range(range: &str) -> Option<Self> {
        let primary = range.split('-').next()?;
        [Self::Ko, Self::En]
            .into_iter()
            .find(|lang| primary.eq_ignore_ascii_case(lang.tag()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_language_with_the_highest_weight_wins_and_korean_is_the_default() {
        let table = [
            ("", Lang::Ko),
            ("en", Lang::En),
            ("EN-us, ko;q=0.5", Lang::En),
            ("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", Lang::Ko),
            ("fr, de;q=0.9", Lang::Ko),
            ("fr, en;q=0.3", Lang::En),
            ("en;q=0", Lang::Ko),
            ("en;q=abc", Lang::Ko),
            ("ko;q=0.2, en;q=0.4", Lang::En),
        ];
        for (value, lang) in table {
            assert_eq!(Lang::from_accept_language(value), lang, "{value}");
        }
    }
}
