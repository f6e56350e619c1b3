//! The embedded addresses (`data/addresses.json`) and their search: spaces are ignored, long and short names of a province
//! are equal, and `similar` queries may omit province and district.

use std::sync::LazyLock;

use serde::Deserialize;

/// An embedded address. Coordinates are strings, as Kakao sends them.
#[derive(Debug, Deserialize)]
pub(super) struct Place {
    /// Longitude in degrees, WGS 84.
    pub(super) x: String,
    /// Latitude in degrees, WGS 84.
    pub(super) y: String,
    pub(super) lot: Lot,
    /// `None` for a district (REGION).
    pub(super) road: Option<Road>,
}

/// The lot-number address (지번).
#[derive(Debug, Deserialize)]
pub(super) struct Lot {
    pub(super) region_1depth_name: String,
    pub(super) region_2depth_name: String,
    pub(super) region_3depth_name: String,
    pub(super) region_3depth_h_name: String,
    pub(super) b_code: String,
    pub(super) h_code: String,
    pub(super) mountain: bool,
    pub(super) main_address_no: String,
    pub(super) sub_address_no: String,
}

/// The road-name address (도로명).
#[derive(Debug, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the fields are Kakao's own")]
pub(super) struct Road {
    pub(super) region_1depth_name: String,
    pub(super) region_2depth_name: String,
    /// Town or township in rural areas, "" in cities.
    pub(super) region_3depth_name: String,
    pub(super) road_name: String,
    pub(super) main_building_no: String,
    pub(super) sub_building_no: String,
    pub(super) building_name: String,
    pub(super) zone_no: String,
    /// Longitude and latitude on the road, where they differ from those of the place.
    pub(super) x: Option<String>,
    pub(super) y: Option<String>,
}

/// Kind of address that a query matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    Road,
    Lot,
    Region,
}

static PLACES: LazyLock<Vec<Place>> = LazyLock::new(|| {
    let parsed = serde_json::from_str(include_str!("../../data/addresses.json"));
    // A test below parses the embedded file.
    parsed.unwrap_or_default()
});

/// Short name of each province and its long names, the official one first.
const PROVINCES: [(&str, &[&str]); 17] = [
    ("서울", &["서울특별시", "서울시"]),
    ("부산", &["부산광역시", "부산시"]),
    ("대구", &["대구광역시", "대구시"]),
    ("인천", &["인천광역시", "인천시"]),
    ("광주", &["광주광역시"]),
    ("대전", &["대전광역시", "대전시"]),
    ("울산", &["울산광역시", "울산시"]),
    ("세종특별자치시", &["세종시"]),
    ("경기", &["경기도"]),
    ("강원특별자치도", &["강원도"]),
    ("충북", &["충청북도"]),
    ("충남", &["충청남도"]),
    ("전북", &["전북특별자치도", "전라북도"]),
    ("전남", &["전라남도"]),
    ("경북", &["경상북도"]),
    ("경남", &["경상남도"]),
    ("제주특별자치도", &["제주도"]),
];

pub(super) fn places() -> &'static [Place] {
    &PLACES
}

/// Returns the official long name of a province, as `coord2address` writes it.
pub(super) fn long_form(province: &str) -> &str {
    PROVINCES
        .iter()
        .find(|(short, _)| *short == province)
        .and_then(|(_, long)| long.first())
        .copied()
        .unwrap_or(province)
}

/// Returns the places that match a query, in the order of the file.
pub(super) fn search(query: &str, exact: bool) -> Vec<(&'static Place, Match)> {
    let wanted = normalized(query);
    places()
        .iter()
        .filter_map(|place| Some((place, place.matches(&wanted, exact)?)))
        .collect()
}

impl Place {
    /// `wanted` is normalised. A lot without a known number is not found by it.
    fn matches(&self, wanted: &str, exact: bool) -> Option<Match> {
        let met = |full: String| spellings(&full, exact).any(|spelling| spelling == wanted);
        match &self.road {
            Some(road) if met(road.name()) => Some(Match::Road),
            Some(_) if !self.lot.main_address_no.is_empty() && met(self.lot.name()) => Some(Match::Lot),
            None if met(self.lot.name()) => Some(Match::Region),
            _ => None,
        }
    }
}

impl Lot {
    /// `서울 관악구 신림동 산 56-1`.
    pub(super) fn name(&self) -> String {
        let mountain = if self.mountain { "산" } else { "" };
        let number = hyphenated(&self.main_address_no, &self.sub_address_no);
        joined(&[
            &self.region_1depth_name,
            &self.region_2depth_name,
            &self.region_3depth_name,
            mountain,
            &number,
        ])
    }
}

impl Road {
    /// `서울 강남구 테헤란로84길 17`.
    pub(super) fn name(&self) -> String {
        self.name_in(&self.region_1depth_name)
    }

    /// Replaces the name of the province.
    pub(super) fn name_in(&self, province: &str) -> String {
        let number = hyphenated(&self.main_building_no, &self.sub_building_no);
        joined(&[
            province,
            &self.region_2depth_name,
            &self.region_3depth_name,
            &self.road_name,
            &number,
        ])
    }
}

fn hyphenated(main: &str, sub: &str) -> String {
    if sub.is_empty() {
        main.to_owned()
    } else {
        format!("{main}-{sub}")
    }
}

fn joined(parts: &[&str]) -> String {
    parts
        .iter()
        .filter(|part| !part.is_empty())
        .copied()
        .collect::<Vec<_>>()
        .join(" ")
}

/// Returns the normal form of a full name and, unless `exact`, of the name without province, and without district.
fn spellings(full: &str, exact: bool) -> impl Iterator<Item = String> {
    let words: Vec<&str> = full.split(' ').collect();
    let shorter = if exact {
        1
    } else {
        3.min(words.len().saturating_sub(1))
    };
    (0..shorter.max(1))
        .map(move |skipped| normalized(&words[skipped..].join(" ")))
        .collect::<Vec<_>>()
        .into_iter()
}

/// Removes brackets with their content, spaces and a final 번지, and shortens the name of the province.
fn normalized(text: &str) -> String {
    let mut depth = 0_u32;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            c if depth == 0 && !c.is_whitespace() => out.push(c),
            _ => {}
        }
    }
    let out = out.strip_suffix("번지").unwrap_or(&out);
    for (short, long_forms) in PROVINCES {
        for long in long_forms {
            if let Some(rest) = out.strip_prefix(long) {
                return format!("{short}{rest}");
            }
        }
    }
    out.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(query: &str, exact: bool) -> Vec<(String, Match)> {
        let name = |place: &Place, by| match (by, &place.road) {
            (Match::Road, Some(road)) => road.name(),
            _ => place.lot.name(),
        };
        search(query, exact)
            .into_iter()
            .map(|(place, by)| (name(place, by), by))
            .collect()
    }

    #[test]
    fn embedded_file_contains_the_reference_addresses() {
        assert_eq!(places().len(), 26);
        assert!(
            places()
                .iter()
                .all(|p| p.x.parse::<f64>().is_ok() && p.y.parse::<f64>().is_ok())
        );
    }

    #[test]
    fn search_ignores_spaces_long_names_and_missing_provinces() {
        let expected = vec![("서울 강남구 테헤란로 152".to_owned(), Match::Road)];
        for query in [
            "서울 강남구 테헤란로 152",
            "서울특별시 강남구 테헤란로 152",
            "서울시강남구 테헤란로152",
            "강남구 테헤란로 152 (역삼동)",
            "테헤란로 152",
        ] {
            assert_eq!(names(query, false), expected, "{query}");
        }
        assert_eq!(names("서울특별시 강남구 테헤란로 152", true), expected);
        assert_eq!(names("테헤란로 152", true), []);
    }

    #[test]
    fn search_matches_whole_numbers() {
        assert_eq!(names("서울 강남구 테헤란로 15", false), []);
        assert_eq!(names("서울 강남구 테헤란로", false), []);
        assert_eq!(names("로 152", false), []);
    }

    #[test]
    fn search_finds_lots_mountains_and_districts() {
        assert_eq!(
            names("역삼동 648-23번지", false),
            [("서울 강남구 역삼동 648-23".to_owned(), Match::Lot)]
        );
        assert_eq!(
            names("서울 관악구 신림동 산56-1", false),
            [("서울 관악구 신림동 산 56-1".to_owned(), Match::Lot)]
        );
        assert_eq!(
            names("서울 강남구 삼성동", false),
            [("서울 강남구 삼성동".to_owned(), Match::Region)]
        );
        // The lot number of 테헤란로22길 13 is not known: a query for its district must not find it.
        assert_eq!(names("서울 강남구 역삼동", false), []);
        let rural = vec![("경기 안성시 죽산면 죽산초교길 69-4".to_owned(), Match::Road)];
        assert_eq!(names("경기도 안성시 죽산면 죽산초교길 69-4", false), rural);
    }
}
