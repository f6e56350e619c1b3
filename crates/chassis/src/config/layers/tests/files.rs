//! Tests of variables that name a file.

use std::collections::{BTreeMap, HashMap};

use super::super::variable;
use super::{TempFile, refusal, sample};

#[test]
fn content_of_a_file_is_the_value_without_its_last_newline() {
    for (content, password) in [
        ("hunter2", "hunter2"),
        ("hunter2\n", "hunter2"),
        ("hunter2\r\n", "hunter2"),
        (" hunter2 \n\n", " hunter2 \n"),
        ("[\"hunter2\"]", "[\"hunter2\"]"),
    ] {
        let file = TempFile::new("password", content);
        let config = sample(&[("BOOKING__PASSWORD_FILE", file.name())], None).unwrap();
        assert_eq!(config.service.password.unwrap().expose(), password);
        assert_eq!(
            config.files,
            BTreeMap::from([("password".to_owned(), file.0.clone())])
        );
    }
}

#[test]
fn file_of_a_variable_overrides_the_configuration_file_and_not_the_variable() {
    let toml = TempFile::new("redis.toml", "[redis]\nurl = \"redis://file\"\n");
    let file = TempFile::new("redis-url", "redis://secret\n");
    let env = [("BOOKING__REDIS__URL_FILE", file.name())];
    let config = sample(&env, Some(toml.0.clone())).unwrap();
    assert_eq!(config.service.redis.url.expose(), "redis://secret");
    let both = [env[0], ("BOOKING__REDIS__URL", "redis://hunter2")];
    assert_eq!(
        refusal(&both, None),
        "both BOOKING__REDIS__URL and BOOKING__REDIS__URL_FILE are set"
    );
}

#[test]
fn file_that_cannot_be_read_is_refused_with_variable_and_path() {
    let binary = TempFile::new("binary", [0xff, 0xfe]);
    for path in ["/nonexistent/url", "", "/tmp", binary.name()] {
        let refused = refusal(&[("BOOKING__REDIS__URL_FILE", path)], None);
        let expected = format!("BOOKING__REDIS__URL_FILE names a file that cannot be read: {path}");
        assert!(refused.starts_with(&expected), "{refused}");
    }
}

#[test]
fn wrong_content_of_a_file_is_refused_without_the_content() {
    let file = TempFile::new("wrong", "hunter2\n");
    let empty = TempFile::new("empty", "\n");
    for (variable, path, cause) in [
        (
            "BOOKING__VEHICLE__TIMEOUT_MS_FILE",
            file.name(),
            "vehicle.timeout_ms is text, expected an",
        ),
        ("BOOKING__PASSWRD_FILE", file.name(), "passwrd is an unknown key"),
        (
            "BOOKING__TELEMETRY__FORMAT_FILE",
            file.name(),
            "telemetry.format: not valid",
        ),
        (
            "BOOKING__PASSWORD_FILE",
            empty.name(),
            "password: the secret is empty",
        ),
    ] {
        let refused = refusal(&[(variable, path)], None);
        let origin = format!("it is set by the file {path} of the variable {variable}");
        assert!(refused.contains(cause) && refused.ends_with(&origin), "{refused}");
        assert!(!refused.contains("hunter2"), "{refused}");
    }
}

#[test]
fn variable_is_read_from_the_environment_or_from_its_file() {
    let file = TempFile::new("url", "postgres://hunter2\n");
    let entry = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let env = HashMap::from([entry("A__URL_FILE", file.name()), entry("B", "x")]);
    let read = |name: &str| variable(&env, name).unwrap();
    assert_eq!(read("A__URL").as_deref(), Some("postgres://hunter2"));
    assert_eq!((read("B").as_deref(), read("C")), (Some("x"), None));
}
