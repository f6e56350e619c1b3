//! What went wrong below gRPC, and whether the peer can have seen the call.

use std::error::Error as StdError;

/// A failure of the transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// No connection, or it was gone before the call was sent: repeating is safe, whatever the call does.
    NeverSent,
    /// The connection broke with the call on it: the peer may have done it.
    Broken,
    /// The time was over.
    Late,
}

impl Failure {
    /// Classifies an error of the channel by what is in its chain of sources.
    pub(super) fn of(error: &(dyn StdError + 'static)) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            if error.is::<tonic::TimeoutExpired>() {
                return Self::Late;
            }
            // A canceled request was still in the queue of a connection that closed.
            let canceled = error
                .downcast_ref::<hyper::Error>()
                .is_some_and(hyper::Error::is_canceled);
            if canceled || error.is::<tonic::ConnectError>() {
                return Self::NeverSent;
            }
            next = error.source();
        }
        Self::Broken
    }

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::NeverSent => "never_sent",
            Self::Broken => "broken",
            Self::Late => "late",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] Box<dyn StdError + Send + Sync>);

    #[test]
    fn the_chain_tells() {
        let refused = tonic::ConnectError("connection refused".into());
        assert_eq!(Failure::of(&Outer(Box::new(refused))), Failure::NeverSent);
        assert_eq!(
            Failure::of(&Outer(Box::new(tonic::TimeoutExpired(())))),
            Failure::Late
        );
        let broken = Outer("reset".into());
        assert_eq!(Failure::of(&broken), Failure::Broken);
    }
}
