//! Page tokens: where a list goes on, opaque to clients.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::domain::ids::PaymentId;
use crate::error::Error;

/// The token that leads to what comes after this payment.
pub(super) fn encode(after: PaymentId) -> String {
    URL_SAFE_NO_PAD.encode(after.0)
}

/// What a token leads to; the beginning when there is none.
pub(super) fn decode(token: &str) -> Result<Option<PaymentId>, Error> {
    if token.is_empty() {
        return Ok(None);
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| Error::BadPageToken)?;
    Uuid::from_slice(&bytes)
        .map(|id| Some(PaymentId(id)))
        .map_err(|_| Error::BadPageToken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_back_and_others_are_refused() {
        let id = PaymentId(Uuid::from_u128(7));
        assert_eq!(decode(&encode(id)).unwrap(), Some(id));
        assert_eq!(decode("").unwrap(), None);
        for wrong in ["x", "AAAA", "한글", "AAAAAAAAAAAAAAAAAAAAAA=="] {
            assert!(matches!(decode(wrong), Err(Error::BadPageToken)), "{wrong}");
        }
    }
}
