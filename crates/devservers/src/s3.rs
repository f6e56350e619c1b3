//! An S3 server in this process, on a folder.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use hyper::Request;
use hyper::body::Incoming;
use hyper::header::{HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{HttpError, S3Result, s3_error};
use s3s_fs::FileSystem;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use crate::TempDir;
use crate::credentials::{private_folder, random_hex};

/// A running S3 server. Dropping it stops it.
pub struct S3 {
    /// URL for clients, which use path-style addressing and any region.
    pub endpoint: String,
    /// Access key id of every client.
    pub access_key: String,
    /// Secret access key of every client.
    pub secret_key: String,
    accepting: AbortHandle,
    /// Removed with the server.
    dir: Option<TempDir>,
}

impl S3 {
    /// Starts an empty server on a free port, whose objects are removed with it.
    pub async fn temporary() -> Result<Self> {
        let dir = TempDir::create("s3")?;
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut server = Self::start(dir.path(), any_port, &random_hex()?).await?;
        server.dir = Some(dir);
        Ok(server)
    }

    /// Serves the buckets under `root` on `listen` to clients with this key. Reading an object needs no
    /// credentials, as in a bucket for public pictures, unless it is below `uploads/` or `handovers/`; everything else does. Each response forbids
    /// browsers to guess another content type, as the CDN in front of a bucket has to.
    pub async fn start(root: impl AsRef<Path>, listen: SocketAddr, secret_key: &str) -> Result<Self> {
        let root: PathBuf = root.as_ref().to_owned();
        private_folder(&root)?;
        let files = FileSystem::new(&root).map_err(|error| anyhow::anyhow!("{error:?}"))?;
        let access_key = "carshare";
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(access_key, secret_key));
        builder.set_access(PublicRead);
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("the S3 server cannot listen on {listen}"))?;
        let address: SocketAddr = listener.local_addr()?;
        Ok(Self {
            endpoint: format!("http://{address}"),
            access_key: access_key.to_owned(),
            secret_key: secret_key.to_owned(),
            accepting: spawn(accept(listener, builder.build())),
            dir: None,
        })
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, service: S3Service) {
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            continue;
        };
        let service = service.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let response = Service::call(&service, request);
            async move {
                let mut response = response.await?;
                let nosniff = HeaderValue::from_static("nosniff");
                response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, nosniff);
                Ok::<_, HttpError>(response)
            }
        });
        spawn(async move {
            let server = auto::Builder::new(TokioExecutor::new());
            // An error is a client that closed its connection.
            server.serve_connection(TokioIo::new(socket), service).await.ok();
        });
    }
}

/// Prefixes of keys that are read with a signature only: unchecked uploads, and evidence.
const PRIVATE: [&str; 2] = ["uploads/", "handovers/"];

/// Allows reads of what is not below [`PRIVATE`] without a signature and requires one for everything else.
struct PublicRead;

#[async_trait::async_trait]
impl S3Access for PublicRead {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        // Objects are files here, whose paths these parts would change.
        let key = context.s3_path().get_object_key().unwrap_or_default();
        if key.split('/').any(|part| matches!(part, "." | "..")) || key.contains('\0') {
            return Err(s3_error!(InvalidURI, "The key has a part that is not allowed"));
        }
        let reads = matches!(context.s3_op().name(), "GetObject" | "HeadObject");
        let is_private = PRIVATE.iter().any(|prefix| key.starts_with(prefix));
        if reads && !is_private || context.credentials().is_some() {
            return Ok(());
        }
        Err(s3_error!(AccessDenied, "Signature is required"))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the server belongs to no request: there is no span to keep"
)]
fn spawn(future: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
    tokio::spawn(future).abort_handle()
}
