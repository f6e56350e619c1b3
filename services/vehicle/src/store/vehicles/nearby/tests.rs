//! Order, pages and radius of the search, and its plan: PostgreSQL has to use the spatial index.

use carshare_chassis::Environment;
use carshare_store::Db;
use carshare_store::StoreService as _;
use carshare_store::config::Database as DatabaseConfig;
use carshare_testkit::Database;

use super::*;
use crate::domain::{Coordinates, Distance, Period};

async fn db() -> (Database, Db) {
    let migrated = Database::create("vehicle", |url| async move {
        carshare_store::migrate(&DatabaseConfig::at(url), crate::Vehicle::migrator()).await
    });
    let database = migrated.await;
    let db = Db::connect(&DatabaseConfig::at(database.url()), Environment::system()).unwrap();
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
    }
}

fn now() -> DateTime<Utc> {
    "2026-11-23T00:00:00Z".parse().unwrap()
}

async fn plan(db: &Db, query: &Query, after: Option<PageKey>) -> String {
    let mut explained = statement(query, after, 51, now());
    explained.sql = format!("EXPLAIN {}", explained.sql);
    let rows = db.conn().query_all_raw(explained).await.unwrap();
    let lines = rows.iter().map(|row| row.try_get_by_index::<String>(0).unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn search_of_twenty_thousand_cars_uses_the_spatial_index() {
    let (_database, db) = db().await;
    fill(&db, 20_000).await;
    let first = list_nearby(db.conn(), &query(100.0), None, 51, now())
        .await
        .unwrap();
    for (radius_km, after) in [(5.0, None), (100.0, None), (100.0, first.last().copied())] {
        let plan = plan(&db, &query(radius_km), after).await;
        assert!(
            plan.contains("Index Scan using vehicles_near on vehicles v"),
            "{plan}"
        );
        assert!(plan.contains("Order By: (location_point <-> "), "{plan}");
        assert!(!plan.contains("Seq Scan on vehicles"), "{plan}");
    }
}

#[tokio::test]
async fn pages_have_no_gap_and_no_repetition() {
    let (_database, db) = db().await;
    fill(&db, 4_000).await;
    let all = list_nearby(db.conn(), &query(60.0), None, 10_000, now())
        .await
        .unwrap();
    assert!(all.len() > 100, "{}", all.len());
    let ordered = |a: &PageKey, b: &PageKey| (a.chord_m, a.id) < (b.chord_m, b.id);
    assert!(all.is_sorted_by(ordered));
    for count in [1, 7] {
        let (mut paged, mut after) = (Vec::new(), None);
        loop {
            let page = list_nearby(db.conn(), &query(60.0), after, count, now())
                .await
                .unwrap();
            let Some(last) = page.last() else { break };
            after = Some(*last);
            paged.extend(page);
        }
        assert_eq!(paged, all, "pages of {count}");
    }
}

#[tokio::test]
async fn radius_limits_the_distance_over_ground() {
    let (_database, db) = db().await;
    fill(&db, 20_000).await;
    let query = query(30.0);
    let found = list_nearby(db.conn(), &query, None, 10_000, now()).await.unwrap();
    let farthest = found
        .iter()
        .map(|car| Distance::from_chord(car.chord_m).m())
        .fold(0.0, f64::max);
    assert!((25_000.0..=30_000.0).contains(&farthest), "{farthest}");
    let wider = list_nearby(db.conn(), &self::query(34.0), None, 10_000, now())
        .await
        .unwrap();
    let beyond = wider
        .iter()
        .filter(|car| Distance::from_chord(car.chord_m).m() > 30_000.0)
        .count();
    assert_eq!(wider.len() - beyond, found.len());
}
