//! Claims that tokens of other releases do not have.

use super::*;

#[tokio::test]
async fn token_without_the_claim_email_verified_is_of_an_unverified_user() {
    let harness = harness().await;
    let mut claims = serde_json::to_value(harness.claims()).unwrap();
    claims.as_object_mut().unwrap().remove("email_verified").unwrap();
    let token = harness.signer.sign(&claims).unwrap();
    assert!(!harness.verifier.verify(&token).await.unwrap().email_verified);
}
