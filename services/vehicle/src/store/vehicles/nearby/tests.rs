//! Order, pages and radius of the search, and its plan: PostgreSQL has to use the spatial index.

use carshare_chassis::Environment;
use carshare_store::Db;
use carshare_store::StoreService as _;
use carshare_store::config::Database as DatabaseConfig;
use carshare_testkit::Database;

use sea_orm::raw_sql;
use sqlx::Connection as _;

use super::*;
use crate::domain::{Coordinates, Distance, Period};

/// Distance in metres, and the key of the next page.
type Key = (f64, SortKey);

fn key(car: &Candidate) -> Key {
    (car.chord_m, car.sort_key())
}

async fn keys(db: &Db, query: &Query, after: Option<SortKey>, count: usize) -> Vec<Key> {
    let found = list_nearby(db.conn(), query, after, count, now()).await.unwrap();
    found.iter().map(key).collect()
}

async fn db() -> (Database, Db) {
    let migrated = Database::create("vehicle", |url| async move {
        carshare_store::migrate(&DatabaseConfig::at(url), crate::Vehicle::migrator()).await
    });
    let database = migrated.await;
    let config = DatabaseConfig {
        statement_timeout: std::time::Duration::from_mins(1),
        ..DatabaseConfig::at(database.url())
    };
    let db = Db::connect(&config, Environment::system()).unwrap();
    (database, db)
}

/// Inserts cars on a grid over Korea, two at each point.
async fn fill(db: &Db, count: i32) {
    let sql = raw_sql!(
        Postgres,
        r#"
        INSERT INTO vehicles (id, owner_id, license_plate, make, model, year, hourly_rate_krw, location_address,
                              location_lat, location_lng, status, created_at, updated_at)
        SELECT md5('car' || n)::uuid, md5('host' || n % 500)::uuid, 'plate' || n, '현대', '아반떼', 2024, 10000, '주소',
               34.0 + (n / 2 % 100) * 0.035, 126.0 + (n / 2 / 100) * 0.035, 'active', now(), now()
        FROM generate_series(0, {count} - 1) n
        "#
    );
    db.conn().execute_raw(sql).await.unwrap();
    db.conn().execute_unprepared("ANALYZE vehicles").await.unwrap();
}

/// Inserts two rentals for each car, and photos, hosts, ratings and opening hours as a platform has them.
async fn occupy(db: &Db, cars: i32) {
    let sql = format!(
        "INSERT INTO occupancies SELECT md5(n || '/' || k)::uuid, md5('car' || n)::uuid, \
             tstzrange(at, at + interval '3 hours'), 'booking', NULL, at \
         FROM generate_series(0, {cars} - 1) n, generate_series(0, 1) k, \
             LATERAL (SELECT '2026-11-20Z'::timestamptz + make_interval(days => k, hours => n % 20) AS at) start; \
         INSERT INTO vehicle_images SELECT md5('image' || n)::uuid, md5('car' || n)::uuid, 'vehicles/' || n, 'image/png', 1, \
             now(), now(), now(), 1, 1 FROM generate_series(0, {cars} - 1) n; \
         INSERT INTO user_profiles SELECT md5('host' || n)::uuid, '', now() FROM generate_series(0, 499) n; \
         INSERT INTO vehicle_ratings SELECT md5('car' || n)::uuid, 4, 1 FROM generate_series(0, {cars} - 1, 2) n; \
         INSERT INTO availabilities SELECT md5('rule' || n)::uuid, md5('car' || n)::uuid, n % 7, NULL, 0, 600, false, now() \
         FROM generate_series(0, {cars} - 1, 4) n; \
         ANALYZE"
    );
    db.conn().execute_unprepared(&sql).await.unwrap();
}

fn query(radius_km: f64) -> Query {
    let (start, end) = (
        "2026-11-23T01:00:00Z".parse().unwrap(),
        "2026-11-23T05:00:00Z".parse().unwrap(),
    );
    Query {
        center: Coordinates {
            lat: 36.01,
            lng: 127.02,
        },
        radius: Distance::from_km(radius_km),
        period: Period::new(start, end).unwrap(),
        order: SearchOrder::Distance,
        filter: SearchFilter::default(),
    }
}

fn now() -> DateTime<Utc> {
    "2026-11-23T00:00:00Z".parse().unwrap()
}

async fn plan(db: &Db, query: &Query, after: Option<SortKey>) -> String {
    let mut explained = nearest(query, after, 51, now());
    explained.sql = format!("EXPLAIN {}", explained.sql);
    let rows = db.conn().query_all_raw(explained).await.unwrap();
    let lines = rows.iter().map(|row| row.try_get_by_index::<String>(0).unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn search_of_twenty_thousand_cars_uses_the_spatial_index() {
    let (_database, db) = db().await;
    fill(&db, 20_000).await;
    occupy(&db, 20_000).await;
    let first = keys(&db, &query(100.0), None, 51).await;
    for (radius_km, after) in [
        (5.0, None),
        (100.0, None),
        (100.0, first.last().map(|last| last.1)),
    ] {
        let plan = plan(&db, &query(radius_km), after).await;
        assert!(
            plan.contains("Index Scan using vehicles_near on vehicles v"),
            "{plan}"
        );
        assert!(plan.contains("Order By: (location_point <-> "), "{plan}");
        assert!(
            plan.contains("Index Scan using occupancies_next on occupancies o"),
            "{plan}"
        );
        assert!(!plan.contains("Seq Scan"), "{plan}");
    }
}

/// Collects pages of `count` keys.
async fn paged(db: &Db, query: &Query, count: usize) -> Vec<Key> {
    let (mut paged, mut after) = (Vec::new(), None);
    loop {
        let page = keys(db, query, after, count).await;
        let Some(last) = page.last() else { break paged };
        after = Some(last.1);
        paged.extend(page);
    }
}

#[tokio::test]
async fn pages_have_no_gap_and_no_repetition() {
    let (_database, db) = db().await;
    fill(&db, 4_000).await;
    let all = keys(&db, &query(60.0), None, 10_000).await;
    assert!(all.len() > 100, "{}", all.len());
    let ordered = |a: &Key, b: &Key| (a.0, a.1.id) < (b.0, b.1.id);
    assert!(all.is_sorted_by(ordered));
    for count in [1, 7] {
        assert_eq!(paged(&db, &query(60.0), count).await, all, "pages of {count}");
    }
}

#[tokio::test]
async fn every_order_and_filter_selects_from_the_same_cars() {
    let (_database, db) = db().await;
    fill(&db, 4_000).await;
    // Rates repeat at many distances, and both cars of a point have the same one.
    let attributes = "UPDATE vehicles SET hourly_rate_krw = 10000 + 500 * (substr(license_plate, 6)::int / 2 % 7), \
        fuel_type = (ARRAY['electric', 'hybrid', NULL])[1 + substr(license_plate, 6)::int % 3]";
    db.conn().execute_unprepared(attributes).await.unwrap();
    let all = list_nearby(db.conn(), &query(60.0), None, 10_000, now())
        .await
        .unwrap();
    let filters = [
        SearchFilter::default(),
        SearchFilter {
            fuel: Some(Fuel::Electric),
            max_hourly_rate_krw: Some(11_500),
            ..Default::default()
        },
    ];
    for filter in filters {
        let passes = |car: &&Candidate| {
            filter.fuel.is_none_or(|fuel| car.view.vehicle.fuel == Some(fuel))
                && filter
                    .max_hourly_rate_krw
                    .is_none_or(|rate| car.view.vehicle.hourly_rate_krw <= rate)
        };
        let mut expected: Vec<Key> = all.iter().filter(passes).map(key).collect();
        assert!(expected.len() > 20, "{}", expected.len());
        for order in [SearchOrder::Distance, SearchOrder::HourlyRate] {
            if order == SearchOrder::HourlyRate {
                // Stable: the nearest first of cars with the same rate.
                expected.sort_by_key(|key| key.1.number);
            }
            let query = Query {
                order,
                filter,
                ..query(60.0)
            };
            assert_eq!(paged(&db, &query, 7).await, expected, "{order:?} {filter:?}");
        }
    }
}

#[tokio::test]
async fn cheapest_first_and_filtered_searches_read_an_index_in_their_order() {
    let (database, db) = db().await;
    fill(&db, 20_000).await;
    let rates = "UPDATE vehicles SET hourly_rate_krw = 10000 + 500 * (substr(license_plate, 6)::int % 40), \
        fuel_type = 'electric'; VACUUM ANALYZE vehicles";
    for statement in rates.split("; ") {
        db.conn().execute_unprepared(statement).await.unwrap();
    }
    occupy(&db, 20_000).await;
    let mut connection = sqlx::PgConnection::connect(&database.url()).await.unwrap();
    for (by_rate, radius_km) in [(true, 5.0), (true, 100.0), (false, 5.0), (false, 100.0)] {
        let mut transaction = connection.begin().await.unwrap();
        let search = "SELECT count(*) FROM search_vehicles(cube($1), $2, $3, 0, -1, \
            '00000000-0000-0000-0000-000000000000', '2026-11-23T01:00Z', '2026-11-23T05:00Z', '2026-11-23T00:00Z', \
            'electric', NULL, NULL, 52)";
        let found: i64 = sqlx::query_scalar(search)
            .bind(query(radius_km).center.to_cartesian())
            .bind(Distance::from_km(radius_km).chord_m())
            .bind(by_rate)
            .fetch_one(&mut *transaction)
            .await
            .unwrap();
        let read: (i64, i64) = sqlx::query_as(
            "SELECT seq_tup_read, idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'vehicles'",
        )
        .fetch_one(&mut *transaction)
        .await
        .unwrap();
        transaction.rollback().await.unwrap();
        // Within 100 km are some 4,000 cars.
        assert_eq!(found, if radius_km < 10.0 { found.min(51) } else { 52 });
        assert!(read.0 == 0 && read.1 <= 200, "{by_rate} {radius_km}: {read:?}");
    }
}

#[tokio::test]
async fn radius_limits_the_distance_over_ground() {
    let (_database, db) = db().await;
    fill(&db, 20_000).await;
    let query = query(30.0);
    let found = keys(&db, &query, None, 10_000).await;
    let farthest = found
        .iter()
        .map(|car| Distance::from_chord(car.0).m())
        .fold(0.0, f64::max);
    assert!((25_000.0..=30_000.0).contains(&farthest), "{farthest}");
    let wider = keys(&db, &self::query(34.0), None, 10_000).await;
    let beyond = wider
        .iter()
        .filter(|car| Distance::from_chord(car.0).m() > 30_000.0)
        .count();
    assert_eq!(wider.len() - beyond, found.len());
}

/// Start, end and expiry of an occupancy.
type Times = (&'static str, &'static str, &'static str);

#[tokio::test]
async fn first_live_occupancy_that_ends_after_the_start_decides() {
    let (_database, db) = db().await;
    fill(&db, 2).await;
    // The period of the query is 01:00 to 05:00; now is 00:00.
    let (expired, live) = ("'2026-11-23T00:00:00Z'", "'2026-11-23T00:00:01Z'");
    let cases: [(&[Times], bool); 7] = [
        (&[], true),
        (&[("00:00", "01:00", "NULL"), ("05:00", "06:00", "NULL")], true),
        (&[("00:00", "01:01", "NULL")], false),
        (&[("04:59", "06:00", live)], false),
        (&[("01:00", "05:00", expired)], true),
        (&[("01:00", "02:00", expired), ("04:00", "05:00", "NULL")], false),
        (
            &[
                ("00:30", "02:00", expired),
                ("02:00", "04:00", expired),
                ("05:00", "06:00", live),
            ],
            true,
        ),
    ];
    for (number, (occupancies, is_free)) in cases.into_iter().enumerate() {
        let mut sql = "TRUNCATE occupancies;".to_owned();
        for (n, (start, end, expires_at)) in occupancies.iter().enumerate() {
            let kind = if *expires_at == "NULL" { "booking" } else { "hold" };
            let insert = format!(
                "INSERT INTO occupancies VALUES (md5('{n}')::uuid, md5('car0')::uuid, \
                 tstzrange('2026-11-23T{start}:00Z', '2026-11-23T{end}:00Z'), '{kind}', {expires_at}, now());"
            );
            sql.push_str(&insert);
        }
        db.conn().execute_unprepared(&sql).await.unwrap();
        let everywhere = query(20_000.0);
        let found = keys(&db, &everywhere, None, 10).await.len();
        assert_eq!(found, if is_free { 2 } else { 1 }, "case {number}");
    }
}
