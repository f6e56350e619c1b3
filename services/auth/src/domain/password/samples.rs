//! Samples of passwords that people choose: which ones are accepted.

use super::Password;
use crate::domain::Email;

/// Words, names, seasons and famous examples with the usual changes.
const WEAK: [&str; 30] = [
    "qkrrhkddy1",
    "박광요1234!",
    "rlarudals12",
    "김민지2024",
    "rladudgml!!",
    "Summer2024!",
    "5ummer2024",
    "Winter_2025",
    "2024Spring!",
    "여름2024!!",
    "dkssudgktpdy1!",
    "admin123!",
    "Admin@2024",
    "adm1n1strator",
    "Tr0ub4dor&3",
    "p a s s w o r d",
    "p.a.s.s.w.o.r.d.1",
    "P@55w0rd!2023",
    "he11o2024!",
    "w e l c o m e 1",
    "i love you",
    "correct horse battery staple",
    "Samsung1!",
    "Dragon#2023",
    "qwerty!2024",
    "letmein2024",
    "Charlie_1987",
    "monkey!!99",
    "zxcvbn2024!",
    "1q2w3e4r!@",
];

/// Phrases, and characters from a generator.
const GOOD: [&str; 46] = [
    "correct horse battery",
    "correct horse 11",
    "battery staple 22",
    "a third horse 33",
    "tr4verse-kelp",
    "minji-kim!2026",
    "carshare-demo-1",
    "kopfstein-pflaster",
    "violet-anchor-42",
    "my cat eats noodles",
    "Tuesday rain on tin roof",
    "blue whale sings low",
    "lantern.orbit.mango",
    "quiet_river_88stones",
    "4horses7bridges",
    "seven apples fell",
    "zebra crossing 5am",
    "green tea, no sugar",
    "northern-lights-over-oslo",
    "paper boats in may",
    "who ate my dumplings?",
    "winter is short here",
    "summer at grandmother's",
    "two bicycles, one lock",
    "the dragon owes me rent",
    "hello darkness my friend",
    "password of the old gate",
    "copper kettle whistles",
    "Busan-Express-No-305",
    "bakery on the third floor",
    "초록빛 자전거 열두 대",
    "노란 우산 세 개",
    "서울역 앞 떡볶이 맛집",
    "할머니네 감나무 아래",
    "비 오는 날 파전 두 장",
    "chfhrqlc wkwjsrj",
    "잃닭쫓뷁핥앉꿇뜷",
    "xK9#vQ2m",
    "u8Zr!pLw3e",
    "9fT$kd2Lq1",
    "h7Gq-2xVn-pp4",
    "V3n!tXq8",
    "kW7zR4mB2q",
    "pq-Zt4-mm8-Lx",
    "zV3kq0Yb8mT1wXnR",
    "Jm5&cUo1",
];

fn is_strong(password: &str) -> bool {
    let email = Email::new("minji.kim@example.com");
    Password::new(password).check_strength(&email).is_ok()
}

#[test]
fn words_with_the_usual_changes_are_rejected() {
    let accepted: Vec<_> = WEAK.into_iter().filter(|weak| is_strong(weak)).collect();
    assert!(accepted.is_empty(), "{accepted:?}");
}

#[test]
fn phrases_and_random_characters_are_accepted() {
    let rejected: Vec<_> = GOOD.into_iter().filter(|good| !is_strong(good)).collect();
    assert!(rejected.is_empty(), "{rejected:?}");
}
