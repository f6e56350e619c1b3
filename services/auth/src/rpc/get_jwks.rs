//! `GetJwks`: returns the public keys that verify access tokens, newest first.

use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::v1 as pb;

use super::convert;
use crate::App;
use crate::error::Error;

pub async fn handle(
    app: &App,
    _context: CallContext,
    _request: pb::GetJwksRequest,
) -> Result<pb::GetJwksResponse, Error> {
    let keys = app.keys.public().await?.into_iter().map(convert::jwk).collect();
    Ok(pb::GetJwksResponse { keys })
}
