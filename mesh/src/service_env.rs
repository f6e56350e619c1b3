//! Configuration of the processes of a mesh, as the environment variables that the binaries read in production too.

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;

use anyhow::Result;
use carshare_chassis::Random;
use carshare_chassis::local_network::SCHEME;

use crate::dependencies::{BUCKET, Dependencies, SERVICES, sandbox_config};
use crate::{Options, secrets};

/// Environment variables of one process.
pub type Env = Vec<(String, String)>;

/// Addresses of the processes, and the configuration they share.
pub struct ServiceEnv {
    addresses: BTreeMap<&'static str, Vec<SocketAddr>>,
    sealing_key: String,
    sandbox: carshare_sandbox::Config,
    extra: Env,
}

impl ServiceEnv {
    /// `addresses`: of every replica of each service and of the gateway.
    pub fn new(
        options: &Options,
        addresses: BTreeMap<&'static str, Vec<SocketAddr>>,
        random: &Random,
    ) -> Result<Self> {
        let sealing_key = secrets::of_folder(options.data.as_deref(), secrets::SEALING_KEY, random)?;
        Ok(Self {
            addresses,
            sealing_key,
            sandbox: sandbox_config(options)?,
            extra: options.env.clone(),
        })
    }

    /// Address of the first replica of a service.
    pub fn address(&self, name: &str) -> Result<SocketAddr> {
        Ok(self.addresses(name)?[0])
    }

    fn addresses(&self, name: &str) -> Result<&[SocketAddr]> {
        let addresses = self.addresses.get(name).map_or(&[][..], Vec::as_slice);
        anyhow::ensure!(!addresses.is_empty(), "{name} has no address");
        Ok(addresses)
    }

    /// The environment of the first replica of a service or of the gateway.
    pub fn env(&self, name: &'static str, dependencies: &Dependencies) -> Result<Env> {
        let certificate = dependencies.ca.issue(name)?;
        let mut env = vec![
            // Several meshes may run on one machine: any free port will do.
            ("ADMIN__LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
            ("TLS__CA_PEM".to_owned(), dependencies.ca.cert_pem()),
            ("TLS__CERT_PEM".to_owned(), certificate.cert_pem),
            ("TLS__KEY_PEM".to_owned(), certificate.key_pem),
            ("REDIS__URL".to_owned(), dependencies.redis_url()),
        ];
        if let Ok(address) = self.address(name) {
            env.push(("SERVER__LISTEN".to_owned(), address.to_string()));
        }
        if SERVICES.contains(&name) {
            env.push(("DATABASE__URL".to_owned(), dependencies.database_url(name)?));
        }
        env.extend(peers(name).map(|(key, peer)| (key, self.uri(peer))));
        env.extend(self.own(name, dependencies)?);
        let prefix = name.to_uppercase();
        let mut env: Env = env
            .into_iter()
            .map(|(key, value)| (format!("{prefix}__{key}"), value))
            .collect();
        env.extend(
            self.extra
                .iter()
                .filter(|(key, _)| key.starts_with(&format!("{prefix}__")))
                .cloned(),
        );
        // A value that a file has.
        let names: HashSet<String> = env.iter().map(|(key, _)| key.clone()).collect();
        env.retain(|(key, _)| !names.contains(&format!("{key}_FILE")));
        Ok(env)
    }

    /// The URIs of all replicas, as a peer lists them; that of a service of this process if it has no address.
    fn uri(&self, name: &str) -> String {
        match self.addresses(name) {
            Ok(addresses) => {
                let uris = addresses.iter().map(|address| format!("https://{address}"));
                uris.collect::<Vec<_>>().join(",")
            }
            Err(_) => memory_uri(name),
        }
    }

    /// What only this one has.
    fn own(&self, name: &str, dependencies: &Dependencies) -> Result<Env> {
        let sandbox = dependencies.sandbox.url();
        let pairs: Vec<(&str, String)> = match name {
            "auth" => [self.seal(), objects(dependencies), mail(dependencies)].concat(),
            "vehicle" => {
                let mut own = objects(dependencies);
                own.push(("KAKAO__HTTP__BASE_URL", format!("{sandbox}/kakao")));
                own.push(("KAKAO__REST_KEY", self.sandbox.kakao_rest_key.clone()));
                own
            }
            "booking" => objects(dependencies),
            "payment" => {
                let mut own = self.seal();
                own.push(("TOSS__HTTP__BASE_URL", format!("{sandbox}/toss")));
                own.push(("TOSS__SECRET_KEY", self.sandbox.toss_secret_key.clone()));
                own
            }
            "notification" => vec![
                ("PUSH__BASE_URL", format!("{sandbox}/fcm")),
                (
                    "PUSH__SERVICE_ACCOUNT_JSON",
                    dependencies.sandbox.service_account_json().to_string(),
                ),
            ],
            "gateway" => {
                let mut own = development();
                let port = self.address("gateway")?.port();
                own.push(("DOCS__PUBLIC_URL".to_owned(), format!("http://localhost:{port}")));
                return Ok(own);
            }
            other => anyhow::bail!("{other} is not a service of the mesh"),
        };
        Ok(pairs
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect())
    }

    fn seal(&self) -> Vec<(&'static str, String)> {
        vec![
            ("SEAL__PRIMARY", "local".to_owned()),
            ("SEAL__KEYS__LOCAL", self.sealing_key.clone()),
        ]
    }
}

/// Returns the variables of `name` that have the URIs of other services, without its prefix, and the services.
pub(crate) fn peers(name: &str) -> impl Iterator<Item = (String, &'static str)> {
    let jwks =
        (SERVICES.contains(&name) && name != "auth").then(|| ("IDENTITY__JWKS__URI".to_owned(), "auth"));
    let of_events = |publisher: &&'static str| {
        (
            format!("PUBLISHERS__{}__URI", publisher.to_uppercase()),
            *publisher,
        )
    };
    let of_gateway = |service: &&'static str| (format!("PEERS__{}__URI", service.to_uppercase()), *service);
    let served: &[&str] = if name == "gateway" { &SERVICES } else { &[] };
    let called: &[&'static str] = match name {
        "auth" => &["vehicle", "booking", "payment", "notification"],
        "booking" => &["vehicle", "payment", "notification"],
        _ => &[],
    };
    let of_client = |service: &&'static str| (format!("{}__URI", service.to_uppercase()), *service);
    let publishers = publishers(name).iter().map(of_events);
    jwks.into_iter()
        .chain(publishers)
        .chain(served.iter().map(of_gateway))
        .chain(called.iter().map(of_client))
}

/// Returns the URI of a service of the same process.
pub(crate) fn memory_uri(name: &str) -> String {
    format!("{SCHEME}://{name}")
}

/// Services of which `name` consumes events.
fn publishers(name: &str) -> &'static [&'static str] {
    match name {
        "auth" => &["booking"],
        "vehicle" | "payment" => &["auth", "booking"],
        "booking" => &["auth", "payment", "vehicle"],
        "notification" => &["auth", "booking", "payment", "vehicle"],
        _ => &[],
    }
}

/// Settings of the gateway for a machine on which all clients have the same address and web apps run on local ports.
fn development() -> Env {
    [
        ("LIMITS__PER_MINUTE_BY_ADDRESS", "6000"),
        ("LIMITS__PER_HOUR_BY_USER", "60000"),
        ("LIMITS__CLASS_FACTOR", "100"),
        ("LIMITS__CONNECTIONS_BY_ADDRESS", "0"),
        ("LIMITS__IN_FLIGHT_BY_ADDRESS", "0"),
        ("LIMITS__IN_FLIGHT_BY_CLASS", "0"),
        ("LIMITS__STREAMS_BY_CALLER", "0"),
        ("CORS__ORIGINS", r#"["http://localhost:*", "http://127.0.0.1:*"]"#),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .to_vec()
}

/// The SMTP server of the sandbox.
fn mail(dependencies: &Dependencies) -> Vec<(&'static str, String)> {
    let smtp = dependencies.sandbox.smtp_addr();
    vec![
        ("MAIL__HOST", smtp.ip().to_string()),
        ("MAIL__PORT", smtp.port().to_string()),
        ("MAIL__ENCRYPTION", "none".to_owned()),
    ]
}

/// The object storage, for services with images.
fn objects(dependencies: &Dependencies) -> Vec<(&'static str, String)> {
    vec![
        ("OBJECTS__ENDPOINT", dependencies.s3.endpoint.clone()),
        ("OBJECTS__BUCKET", BUCKET.to_owned()),
        ("OBJECTS__ACCESS_KEY", dependencies.s3.access_key.clone()),
        ("OBJECTS__SECRET_KEY", dependencies.s3.secret_key.clone()),
    ]
}
