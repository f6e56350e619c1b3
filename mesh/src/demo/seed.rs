//! People and cars of the demo data. The names are common ones, the addresses landmarks, the plates of the rental class.

/// Password of every demo account.
pub const PASSWORD: &str = "carshare-demo-1";

/// Login of the demo administrator.
pub const ADMIN: &str = "admin@carshare.test";

/// Secret of the demo administrator's authenticator app. Public, as the password: for development only.
pub const ADMIN_TOTP_SECRET: [u8; 20] = *b"carshare-demo-admin!";

pub struct Person {
    pub email: &'static str,
    pub name: &'static str,
    pub phone: &'static str,
}

/// Car of a demo host.
pub(super) struct Car {
    pub(super) host: &'static str,
    /// Part of the idempotency key, which must be visible ASCII, unlike a plate.
    pub(super) key: &'static str,
    pub(super) plate: &'static str,
    pub(super) make: &'static str,
    pub(super) model: &'static str,
    pub(super) year: i32,
    pub(super) color: &'static str,
    pub(super) fuel: &'static str,
    pub(super) hourly_rate_krw: i64,
    pub(super) address: &'static str,
    pub(super) description: &'static str,
    /// Colour of the generated photo.
    pub(super) paint: [u8; 3],
}

pub const HOSTS: [Person; 3] = [
    Person {
        email: "host1@carshare.test",
        name: "한강렌터카",
        phone: "010-1000-0001",
    },
    Person {
        email: "host2@carshare.test",
        name: "테헤란모빌리티",
        phone: "010-1000-0002",
    },
    Person {
        email: "host3@carshare.test",
        name: "이도윤",
        phone: "010-1000-0003",
    },
];

pub const GUESTS: [Person; 2] = [
    Person {
        email: "guest1@carshare.test",
        name: "김민지",
        phone: "010-2000-0001",
    },
    Person {
        email: "guest2@carshare.test",
        name: "박서준",
        phone: "010-2000-0002",
    },
];

const fn car(
    host: &'static str,
    (key, plate): (&'static str, &'static str),
    (make, model, year): (&'static str, &'static str, i32),
    (color, paint): (&'static str, [u8; 3]),
    fuel: &'static str,
    hourly_rate_krw: i64,
    (address, description): (&'static str, &'static str),
) -> Car {
    Car {
        host,
        key,
        plate,
        make,
        model,
        year,
        color,
        fuel,
        hourly_rate_krw,
        address,
        description,
        paint,
    }
}

const BLACK: (&str, [u8; 3]) = ("black", [28, 28, 32]);
const WHITE: (&str, [u8; 3]) = ("white", [236, 236, 230]);
const BLUE: (&str, [u8; 3]) = ("blue", [38, 82, 150]);
const RED: (&str, [u8; 3]) = ("red", [170, 40, 44]);
const SILVER: (&str, [u8; 3]) = ("silver", [168, 172, 178]);

const H1: &str = HOSTS[0].email;
const H2: &str = HOSTS[1].email;
const H3: &str = HOSTS[2].email;

/// Twelve cars around Seoul.
pub(super) const CARS: [Car; 12] = [
    car(
        H1,
        ("car-1", "11하1001"),
        ("Genesis", "G80", 2025),
        BLACK,
        "gasoline",
        20_000,
        ("서울 중구 세종대로 110", "시청역 5분 거리"),
    ),
    car(
        H1,
        ("car-2", "11하1002"),
        ("Hyundai", "Ioniq 5", 2024),
        WHITE,
        "electric",
        14_000,
        ("서울 중구 남대문로 18", "충전 카드 포함"),
    ),
    car(
        H1,
        ("car-3", "11하1003"),
        ("Kia", "Carnival", 2023),
        SILVER,
        "diesel",
        18_000,
        ("서울 용산구 청파로 378", "9인승, 서울역 앞"),
    ),
    car(
        H1,
        ("car-4", "11하1004"),
        ("Hyundai", "Avante", 2024),
        BLUE,
        "hybrid",
        9_000,
        ("서울 마포구 동교로 107", "연비 좋은 하이브리드"),
    ),
    car(
        H2,
        ("car-5", "12허2001"),
        ("Genesis", "GV70", 2025),
        WHITE,
        "gasoline",
        22_000,
        ("서울 강남구 테헤란로 152", "강남파이낸스센터 지하 2층"),
    ),
    car(
        H2,
        ("car-6", "12허2002"),
        ("Kia", "EV6", 2024),
        RED,
        "electric",
        15_000,
        ("서울 강남구 영동대로 513", "코엑스 주차장"),
    ),
    car(
        H2,
        ("car-7", "12허2003"),
        ("Hyundai", "Grandeur", 2023),
        BLACK,
        "hybrid",
        16_000,
        ("서울 강남구 테헤란로84길 17", "선릉역 3분 거리"),
    ),
    car(
        H2,
        ("car-8", "12허2004"),
        ("Kia", "Ray", 2024),
        SILVER,
        "gasoline",
        7_000,
        ("서울 서초구 서초대로77길 24", "골목길에 좋은 경차"),
    ),
    car(
        H2,
        ("car-9", "12허2005"),
        ("Hyundai", "Kona", 2023),
        BLUE,
        "electric",
        11_000,
        ("서울 송파구 올림픽로 25", "잠실종합운동장 앞"),
    ),
    car(
        H3,
        ("car-10", "13호3001"),
        ("Kia", "K5", 2022),
        WHITE,
        "gasoline",
        10_000,
        ("서울 관악구 관악로 1", "대학 정문"),
    ),
    car(
        H3,
        ("car-11", "13호3002"),
        ("Hyundai", "Santa Fe", 2024),
        RED,
        "hybrid",
        17_000,
        ("서울 서초구 잠원로8길 3", "한강공원 옆"),
    ),
    car(
        H3,
        ("car-12", "13호3003"),
        ("Kia", "Niro", 2023),
        SILVER,
        "hybrid",
        11_000,
        ("서울 강동구 상암로 82-12", "조용한 주택가"),
    ),
];
