//! Turns and runs of events, without a database.

use chrono::DateTime;
use uuid::Uuid;

use super::*;

fn event(key: &str, key_seq: i64) -> Envelope {
    Envelope {
        id: Uuid::nil(),
        name: "user.updated".into(),
        key: key.into(),
        key_seq,
        occurred_at: DateTime::UNIX_EPOCH,
        correlation_id: String::new(),
        traceparent: None,
        data: Vec::new(),
    }
}

fn turns(cursor: Option<Cursor>, from_log: bool, numbers: &[i64]) -> Vec<Turn> {
    let mut cursors: HashMap<String, Cursor> = cursor
        .map(|cursor| ("k".to_owned(), cursor))
        .into_iter()
        .collect();
    numbers
        .iter()
        .map(|number| turn(&mut cursors, &event("k", *number), from_log))
        .collect()
}

#[test]
fn runs_are_the_keys_whose_events_follow_one_another() {
    let numbers = [
        ("a", 3),
        ("b", 1),
        ("a", 4),
        ("c", 2),
        ("b", 3),
        ("c", 2),
        ("d", 7),
    ];
    let events = numbers.map(|(key, number)| event(key, number)).to_vec();
    let run = |key: &str, first, last| Run {
        key: key.into(),
        first,
        last,
    };
    let runs = Batch::from_stream("auth", events).runs();
    assert_eq!(runs, [run("a", 3, 4), run("d", 7, 7)]);
}

#[test]
fn only_the_successor_of_a_locked_cursor_is_handled_now() {
    use Turn::{Duplicate, Later, Now};
    let at = |handled_seq, has_filed| Some(Cursor::locked(handled_seq, has_filed));
    assert_eq!(
        turns(at(2, false), false, &[2, 3, 3, 4]),
        [Duplicate, Now, Duplicate, Now]
    );
    assert_eq!(turns(at(2, false), false, &[4, 3, 5]), [Later, Later, Later]);
    assert_eq!(turns(at(2, true), false, &[1, 3]), [Duplicate, Later]);
    assert_eq!(turns(None, false, &[1, 2, 1]), [Now, Now, Duplicate]);
    assert_eq!(turns(None, false, &[2, 3]), [Later, Later]);
}

#[test]
fn log_begins_an_unknown_key_where_the_publisher_still_has_it() {
    assert_eq!(turns(None, true, &[5, 6, 8]), [Turn::Now, Turn::Now, Turn::Later]);
    let known = Some(Cursor::locked(2, false));
    assert_eq!(turns(known, true, &[5]), [Turn::Later]);
}
