//! `ReportReview`: the reviewee reports a visible review to the admins. The first report holds.

use anyhow::Context as _;
use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;
use carshare_store::Tx;

use super::{convert, lock};
use crate::App;
use crate::domain::review::ReportReason;
use crate::domain::{ReviewId, ReviewRefusal, UserId};
use crate::error::Error;
use crate::rpc::authorization;
use crate::store::{reviews, user_closings};

struct Input {
    review: ReviewId,
    user: UserId,
    reason: ReportReason,
    details: Option<String>,
}

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::ReportReviewRequest,
) -> Result<pb::ReviewReport, Error> {
    let reason = convert::to_report_reason(request.reason()).context("a report without a reason");
    let input = Input {
        review: ReviewId::parse("review_id", &request.review_id)?,
        user: authorization::caller(&ctx)?,
        reason: reason.map_err(Error::internal)?,
        details: convert::unless_blank(request.details),
    };
    app.db.idempotent(&ctx, "reviews.report", input, report).await
}

async fn report(tx: &Tx, input: &Input) -> Result<pb::ReviewReport, Error> {
    let mut review = lock(tx, input.review).await?;
    if review.report(input.user, input.reason, input.details.clone(), tx.now())? {
        if user_closings::is_any_closed(tx.conn(), [review.reviewer_id, review.reviewee_id]).await? {
            return Err(ReviewRefusal::PartyClosed.into());
        }
        reviews::update(tx.conn(), &review).await?;
    }
    let report = review.report.as_ref().context("a reported review has a report");
    Ok(convert::report(report.map_err(Error::internal)?))
}
