//! One attempt to capture a payment, and the one place that judges what the provider said about it.

use chrono::{DateTime, TimeDelta, Utc};

use super::finding::{Answer, Refusal, Report, Standing, Verdict};
use super::ids::{MethodId, PaymentId};

/// A request that got no answer may still arrive at the provider. After this time it is taken for lost, when it may not
/// simply be repeated.
const QUIET: TimeDelta = TimeDelta::minutes(15);

/// One attempt. Its row is written before the provider is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Of this payment.
    pub payment_id: PaymentId,
    /// 1 for the first.
    pub number: i32,
    /// By card or by window.
    pub kind: Kind,
    /// Key of what the provider had for the order before this attempt.
    pub preceding_key: Option<String>,
    /// Whether the provider answered under our idempotency key.
    pub key_spent: bool,
    /// How it ended.
    pub outcome: Outcome,
    /// The provider's code, when it did not end well.
    pub code: Option<String>,
    /// When it began.
    pub started_at: DateTime<Utc>,
}

/// How the money is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// By the billing key of a registered card, without the guest.
    Billing {
        /// The card.
        method: MethodId,
    },
    /// By what the guest did in the payment window.
    Window {
        /// What the window returned.
        payment_key: String,
    },
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Not known yet.
    Open,
    /// The money is taken.
    Captured,
    /// The card company said no.
    Declined,
    /// Nothing was taken, for another reason.
    Failed,
    /// Nothing was heard of it for long enough.
    GivenUp,
}

/// What was heard, and how.
#[derive(Clone, Debug)]
pub enum Heard {
    /// The reply to the call itself.
    Reply(Answer),
    /// The answer to a question about it.
    Query(Answer),
}

/// What an answer means for an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The money is taken.
    Captured(Report),
    /// It ended without money.
    Over {
        /// How.
        outcome: Outcome,
        /// The provider's code.
        refusal: Refusal,
        /// What the payment does next.
        next: Next,
    },
    /// Nothing arrived there: the same call under the same key.
    Repeat,
    /// Not known: ask again later.
    LookAgain {
        /// Whether the idempotency key is used up by now.
        key_spent: bool,
        /// What kept it from being known.
        code: String,
    },
    /// The provider has something under our order that is not what we asked for. A person has to look.
    Foreign,
}

/// What a payment does after an attempt without money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It has failed for good.
    Fail,
    /// The guest may pay in the window.
    AskGuest,
    /// A further attempt after a pause.
    TryAgain,
    /// A further attempt at once, without this card.
    TryOtherMethod,
}

/// What an attempt is measured against.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// Our order.
    pub order_id: &'a str,
    /// Won that are owed.
    pub amount_krw: i64,
    /// Whether the provider may be called (again): the booking lives and the money is not overdue.
    pub may_call: bool,
    /// Now.
    pub now: DateTime<Utc>,
}

impl Attempt {
    /// The key under which the provider does it once.
    pub fn idempotency_key(&self) -> String {
        let verb = match self.kind {
            Kind::Billing { .. } => "charge",
            Kind::Window { .. } => "confirm",
        };
        format!("{verb}:{}:{}", self.payment_id, self.number)
    }

    /// What `heard` means.
    pub fn judge(&self, heard: Heard, terms: Terms<'_>) -> Judgement {
        match heard {
            Heard::Reply(Ok(Report {
                standing: Standing::Waiting,
                ..
            })) => Judgement::LookAgain {
                key_spent: true,
                code: "WAITING".to_owned(),
            },
            Heard::Query(Ok(report)) if self.is_preceding(&report) => self.nothing_there(terms),
            Heard::Reply(Ok(report)) | Heard::Query(Ok(report)) => self.judge_report(report, terms),
            Heard::Reply(Err(refusal)) => self.judge_refusal(refusal),
            Heard::Query(Err(refusal)) if refusal.verdict == Verdict::NotFound => self.nothing_there(terms),
            Heard::Query(Err(refusal)) => Judgement::LookAgain {
                key_spent: self.key_spent,
                code: refusal.code,
            },
        }
    }

    /// Whether the report is of an earlier attempt under the same order.
    fn is_preceding(&self, report: &Report) -> bool {
        self.preceding_key.as_deref() == Some(report.payment_key.as_str())
    }

    fn judge_report(&self, report: Report, terms: Terms<'_>) -> Judgement {
        if report.order_id != terms.order_id {
            return self.over(Refusal::new(Verdict::Mismatch, "ORDER_MISMATCH"));
        }
        match &report.standing {
            Standing::Captured(_) if report.total_krw == terms.amount_krw => Judgement::Captured(report),
            Standing::Captured(_) => Judgement::Foreign,
            Standing::Over(refusal) => self.over(refusal.clone()),
            Standing::Waiting => self.nothing_there(terms),
        }
    }

    fn judge_refusal(&self, refusal: Refusal) -> Judgement {
        match refusal.verdict {
            Verdict::Unknown { key_spent } => Judgement::LookAgain {
                key_spent: key_spent || self.key_spent,
                code: refusal.code,
            },
            _ => self.over(refusal),
        }
    }

    /// The provider has taken nothing (yet).
    fn nothing_there(&self, terms: Terms<'_>) -> Judgement {
        let code = self.code.clone().unwrap_or_else(|| "NO_ANSWER".to_owned());
        let silence = Refusal::new(Verdict::NotFound, code);
        match (self.key_spent, terms.may_call) {
            (true, _) => self.over(silence),
            (false, true) => Judgement::Repeat,
            (false, false) if terms.now - self.started_at < QUIET => Judgement::LookAgain {
                key_spent: false,
                code: silence.code,
            },
            (false, false) => Judgement::Over {
                outcome: Outcome::GivenUp,
                next: self.next(silence.verdict),
                refusal: silence,
            },
        }
    }

    fn over(&self, refusal: Refusal) -> Judgement {
        let outcome = if refusal.verdict == Verdict::Declined {
            Outcome::Declined
        } else {
            Outcome::Failed
        };
        Judgement::Over {
            outcome,
            next: self.next(refusal.verdict),
            refusal,
        }
    }

    fn next(&self, verdict: Verdict) -> Next {
        match (&self.kind, verdict) {
            (Kind::Window { .. }, _) => Next::AskGuest,
            (Kind::Billing { .. }, Verdict::Declined) => Next::Fail,
            (Kind::Billing { .. }, Verdict::KeyUnusable) => Next::TryOtherMethod,
            (Kind::Billing { .. }, _) => Next::TryAgain,
        }
    }
}

impl Kind {
    /// The word in the database and in metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Billing { .. } => "billing",
            Self::Window { .. } => "window",
        }
    }
}

impl Outcome {
    /// The word in the database and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Captured => "captured",
            Self::Declined => "declined",
            Self::Failed => "failed",
            Self::GivenUp => "given_up",
        }
    }

    /// The outcome of a word of the database.
    pub fn parse(word: &str) -> Option<Self> {
        let all = [
            Self::Open,
            Self::Captured,
            Self::Declined,
            Self::Failed,
            Self::GivenUp,
        ];
        all.into_iter().find(|outcome| outcome.as_str() == word)
    }
}

#[cfg(test)]
mod tests;
