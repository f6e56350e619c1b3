//! Data of a running platform: hosts, guests, cars and bookings, written by SQL into the services' schemas.

use anyhow::{Context as _, Result};
use carshare_proto::vehicle::v1::Vehicle;
use prost::Message as _;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

/// Guests that sign in and request bookings.
pub const ACTIVE_GUESTS: i64 = 400;
/// Password of every account.
pub const PASSWORD: &str = "a long walk home";
/// Days between two bookings of a car.
pub const DAYS_BETWEEN: i64 = 3;

const STATEMENTS: &str = include_str!("data.sql");

/// The data of one database.
pub struct Data {
    pub cars: i64,
    pub bookings: i64,
    /// Midnight in Asia/Seoul before the first loaded booking, in Unix seconds.
    pub first_day: i64,
    /// Day after the last booking, counted from `first_day`.
    pub free_day: i64,
}

/// Loads the data unless the database has it already.
pub async fn load(admin_url: &str, cars: i64, bookings: i64) -> Result<Data> {
    let mut connection = PgConnection::connect(admin_url).await?;
    let known: Option<(i64, i64)> = match sqlx::query_as("SELECT cars, bookings FROM bench_data")
        .fetch_optional(&mut connection)
        .await
    {
        Ok(known) => known,
        // The table comes with the data.
        Err(sqlx::Error::Database(_)) => None,
        Err(error) => return Err(error.into()),
    };
    match known {
        None => insert(&mut connection, cars, bookings).await?,
        Some(known) => anyhow::ensure!(
            known == (cars, bookings),
            "the data folder has {} cars and {} bookings: remove it or name another",
            known.0,
            known.1
        ),
    }
    let (first_day, free_day) = sqlx::query_as(
        "SELECT extract(epoch FROM first_day)::bigint, \
            extract(day FROM (SELECT max(ends_at) FROM booking.bookings) - first_day)::bigint + 2 FROM bench_data",
    )
    .fetch_one(&mut connection)
    .await?;
    connection.close().await?;
    Ok(Data {
        cars,
        bookings,
        first_day,
        free_day,
    })
}

async fn insert(connection: &mut PgConnection, cars: i64, bookings: i64) -> Result<()> {
    println!("loading {cars} cars and {bookings} bookings");
    // The cost is that of a test: sign-in is measured with an account of its own.
    let cheap = bcrypt::hash(PASSWORD, 4)?;
    let full = bcrypt::hash(PASSWORD, 12)?;
    for statement in STATEMENTS.split(";\n\n") {
        let statement = statement
            .replace("{cars}", &cars.to_string())
            .replace("{bookings}", &bookings.to_string())
            .replace("{guests}", &ACTIVE_GUESTS.to_string())
            .replace("{between}", &DAYS_BETWEEN.to_string())
            .replace("{cheap_hash}", &cheap)
            .replace("{full_hash}", &full)
            .replace("{snapshot}", &snapshot());
        let name = statement.lines().next().unwrap_or_default().to_owned();
        connection
            .execute(AssertSqlSafe(statement))
            .await
            .with_context(|| format!("cannot load: {name}"))?;
    }
    Ok(())
}

/// Returns the car as a booking stores it, in hexadecimal.
fn snapshot() -> String {
    let vehicle = Vehicle {
        id: "018bcfe5-6801-7000-8003-000000000001".to_owned(),
        owner_id: "018bcfe5-6801-7000-8001-000000000001".to_owned(),
        license_plate: "12가 3456".to_owned(),
        make: "현대".to_owned(),
        model: "아이오닉 5".to_owned(),
        year: 2024,
        hourly_rate: 15_000,
        location_address: "서울특별시 중구 세종대로 110".to_owned(),
        location_lat: 37.5663,
        location_lng: 126.9779,
        images: vec!["http://127.0.0.1/photo.jpg".to_owned()],
        ..Vehicle::default()
    };
    hex::encode(vehicle.encode_to_vec())
}

/// Returns the id of the `number`th row of a kind (see `data.sql`), from 1.
pub fn id(kind: u8, number: i64) -> String {
    let time = format!("{:012x}", 1_700_000_000_000 + number);
    format!("{}-{}-7000-8{kind:03x}-{number:012x}", &time[..8], &time[8..])
}

/// Returns the e-mail address of the `number`th guest, from 1.
pub fn guest_email(number: i64) -> String {
    format!("guest-{number}@bench.example")
}
