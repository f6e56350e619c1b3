//! `ListObjectedClaims`: the claims that wait for a decision, for admins.

use carshare_chassis::pagination::PageRequest;
use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;

use super::convert_claim;
use crate::App;
use crate::domain::ClaimId;
use crate::error::Error;
use crate::rpc::time_key;
use crate::store::booking_claims::{self, ClaimKey};

pub async fn handle(
    app: &App,
    _: CallContext,
    mut request: pb::ListObjectedClaimsRequest,
) -> Result<pb::ListObjectedClaimsResponse, Error> {
    let page = PageRequest::take(&mut request, app.db.page_token_key().await?);
    let after = page.after()?.map(time_key::decode).transpose()?;
    let after = after.map(|(created_at, id)| ClaimKey {
        created_at,
        id: ClaimId(id),
    });
    let rows = booking_claims::list_objected(app.db.conn(), after, page.limit()).await?;
    let page = page.cut(rows, |last| time_key::encode(last.created_at, last.id.0));
    Ok(pb::ListObjectedClaimsResponse {
        claims: page.items.iter().map(convert_claim::claim).collect(),
        next_page_token: page.next_page_token,
    })
}
