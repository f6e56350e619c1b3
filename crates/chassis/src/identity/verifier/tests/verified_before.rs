//! Tokens that were verified before.

use super::*;

#[tokio::test]
async fn token_verified_before_is_refused_when_its_key_is_no_longer_published() {
    let harness = harness().await;
    let token = harness.sign(&harness.claims());
    harness.verifier.verify(&token).await.unwrap();
    harness.verifier.verify(&token).await.unwrap();
    assert_eq!(harness.fetches(), 1);
    let others = Tokens::new().unwrap();
    *harness.source.keys.lock().unwrap() = Some(keys_of(&others).await);
    harness.clock.advance(Duration::from_secs(301));
    // The key set is old: this call fetches the new one in the background.
    harness.verifier.verify(&token).await.unwrap();
    carshare_testkit::eventually(Duration::from_secs(5), async || {
        harness.verifier.verify(&token).await.err()
    })
    .await;
    assert_eq!(harness.refusal(&harness.claims()).await, "UNAUTHENTICATED");
}

#[tokio::test]
async fn changed_token_is_refused_after_the_original_was_verified() {
    let harness = harness().await;
    let claims = harness.claims();
    let token = harness.sign(&claims);
    harness.verifier.verify(&token).await.unwrap();
    let other = harness.sign(&Claims {
        role: Role::Admin,
        ..claims
    });
    // Claims of one token under the signature of another.
    let (claims_of_other, _) = other.rsplit_once('.').unwrap();
    let (_, signature) = token.rsplit_once('.').unwrap();
    let error = harness
        .verifier
        .verify(&format!("{claims_of_other}.{signature}"))
        .await
        .unwrap_err();
    assert!(error.is(Common::Unauthenticated));
}
