//! Tags of resources, with which updates refuse to overwrite what their caller has not seen (AIP-154).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use carshare_proto::common::v1::ErrorReason as Common;
use sha2::{Digest as _, Sha256};

use crate::error::Error;

/// Bytes of the hash that a tag has. Tags are compared with those of one resource only.
const HASH_LEN: usize = 12;

/// Returns the tag of a resource whose field `etag` is not set: a hash of its contents, so that equal contents have equal tags in every
/// replica, whatever their clocks say. The message may not contain a map, whose order is not defined.
pub fn of(resource: &impl prost::Message) -> String {
    let hash = Sha256::digest(resource.encode_to_vec());
    URL_SAFE_NO_PAD.encode(&hash[..HASH_LEN])
}

/// Compares the tag that an update expects with that of the locked resource. An empty one expects nothing.
///
/// # Errors
/// `ETAG_MISMATCH`.
pub fn check(expected: &str, current: Option<&str>) -> Result<(), Error> {
    if expected.is_empty() || Some(expected) == current {
        Ok(())
    } else {
        Err(Error::new(Common::EtagMismatch))
    }
}

#[cfg(test)]
mod tests {
    use carshare_proto::auth::v1::User;

    use super::*;

    fn named(name: &str) -> User {
        User {
            name: name.to_owned(),
            ..User::default()
        }
    }

    #[test]
    fn tag_follows_the_contents() {
        let tag = of(&named("김민지"));
        assert_eq!((tag.len(), tag == of(&named("김민지"))), (16, true));
        assert_ne!(tag, of(&named("김민서")));
    }

    #[test]
    fn only_the_current_tag_is_accepted() {
        assert!(check("a", Some("a")).is_ok());
        assert!(check("", Some("b")).is_ok());
        for (expected, current) in [("a", Some("b")), ("a", None)] {
            let refused = check(expected, current).unwrap_err();
            assert!(refused.is(Common::EtagMismatch), "{expected}");
        }
    }
}
