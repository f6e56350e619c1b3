//! Test vectors, the window and the delays.

use super::*;

const SECRET: [u8; 20] = *b"12345678901234567890";

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

/// RFC 6238, appendix B, the last six of eight digits.
const VECTORS: [(i64, &str); 6] = [
    (59, "287082"),
    (1_111_111_109, "081804"),
    (1_111_111_111, "050471"),
    (1_234_567_890, "005924"),
    (2_000_000_000, "279037"),
    (20_000_000_000, "353130"),
];

#[test]
fn codes_are_those_of_rfc_6238() {
    let secret = TotpSecret::new(SECRET);
    for (seconds, code) in VECTORS {
        assert_eq!(secret.code(at(seconds)), code, "{seconds}");
        assert_eq!(secret.matching_step(code, at(seconds)), Some(seconds / 30));
    }
}

#[test]
fn code_is_accepted_one_step_early_and_one_late() {
    let secret = TotpSecret::new(SECRET);
    let code = secret.code(at(3000));
    for (seconds, accepted) in [
        (2969, false),
        (2970, true),
        (3029, true),
        (3059, true),
        (3060, false),
    ] {
        let found = secret.matching_step(&code, at(seconds));
        assert_eq!(found, accepted.then_some(100), "{seconds}");
    }
    assert_eq!(secret.matching_step("12345", at(3000)), None);
}

#[test]
fn uri_names_account_and_secret() {
    let uri = TotpSecret::new(SECRET).otpauth_uri(&Email::new("ops+1@carshare.kr"));
    assert_eq!(
        uri,
        "otpauth://totp/Carshare:ops%2B1%40carshare.kr?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
         &issuer=Carshare&algorithm=SHA1&digits=6&period=30"
    );
}

#[test]
fn delay_doubles_from_the_fifth_failure_up_to_an_hour() {
    let now = at(0);
    let delay = |failures| retry_at(failures, now).map(|at| at.timestamp());
    assert_eq!(delay(4), None);
    assert_eq!(delay(5), Some(30));
    assert_eq!(delay(6), Some(60));
    assert_eq!(delay(11), Some(1920));
    assert_eq!(delay(12), Some(3600));
    assert_eq!(delay(i32::MAX), Some(3600));
}

#[test]
fn both_kinds_of_codes_are_read_as_typed() {
    assert!(matches!(MfaCode::parse("123 456"), Some(MfaCode::Totp(code)) if code == "123456"));
    let recovery = RecoveryCode::new([0xA7; 15]);
    let shown = recovery.display();
    assert_eq!((shown.len(), shown.matches('-').count()), (29, 5));
    for typed in [shown.clone(), shown.to_lowercase(), shown.replace('-', " ")] {
        assert!(
            matches!(MfaCode::parse(&typed), Some(MfaCode::Recovery(code)) if code == recovery),
            "{typed}"
        );
    }
    for wrong in ["", "12345", "1234567", "ABCD-EFGH", &"1".repeat(24)] {
        assert!(MfaCode::parse(wrong).is_none(), "{wrong}");
    }
    assert_ne!(recovery.hash(), RecoveryCode::new([0xA8; 15]).hash());
}
