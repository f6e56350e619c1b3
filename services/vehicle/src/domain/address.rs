//! Pickup addresses, and the part of them that a map finds.

/// Returns the part of a pickup address that names a building: without floor, unit and remarks in brackets, which the map
/// service does not know.
///
/// `서울 강남구 테헤란로 152, 지하 2층 (역삼동)` → `서울 강남구 테헤란로 152`
pub fn searchable(address: &str) -> String {
    let before_remarks = address.split([',', '(', '（', '，']).next().unwrap_or_default();
    let words = before_remarks
        .split_whitespace()
        .take_while(|word| !is_inside_a_building(word));
    words.collect::<Vec<_>>().join(" ")
}

/// Matches `3층`, `B2층`, `1203호`, `101동` and `지하`, but not `역삼동` or `종로3가`, which do not begin with a digit.
fn is_inside_a_building(word: &str) -> bool {
    let number = word.trim_start_matches("지하").trim_start_matches(['B', 'b']);
    let unit = number.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-');
    let is_numbered = unit.len() < number.len() && matches!(unit, "층" | "호" | "동" | "호실");
    is_numbered || word == "지하" || word == "지하층"
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("서울 강남구 테헤란로 152", "서울 강남구 테헤란로 152")]
    #[case("  서울   강남구 테헤란로 152 3층 ", "서울 강남구 테헤란로 152")]
    #[case("서울 강남구 테헤란로 152, 지하 2층 (역삼동)", "서울 강남구 테헤란로 152")]
    #[case("서울 강남구 테헤란로 152 지하2층 A열", "서울 강남구 테헤란로 152")]
    #[case("서울 강남구 테헤란로 152 B2층", "서울 강남구 테헤란로 152")]
    #[case("서울 강동구 고덕로 427 101동 1203호", "서울 강동구 고덕로 427")]
    #[case("서울 강남구 역삼동 737", "서울 강남구 역삼동 737")]
    #[case("서울 중구 태평로1가 31", "서울 중구 태평로1가 31")]
    #[case("서울 강동구 상암로 82-12(천호동)", "서울 강동구 상암로 82-12")]
    #[case("서울 관악구 신림동 산 56-1", "서울 관악구 신림동 산 56-1")]
    #[case(" , ", "")]
    fn searchable_omits_the_part_inside_a_building(#[case] written: &str, #[case] searched: &str) {
        assert_eq!(searchable(written), searched);
    }
}
