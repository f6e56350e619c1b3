//! The text that `carshare run` prints when the mesh is ready.

use carshare_auth::domain::TotpSecret;
use carshare_mesh::{Mesh, demo};
use chrono::TimeDelta;

/// Prints URLs, demo logins and a first call.
pub fn print(mesh: &Mesh, with_demo: bool, otlp_endpoint: Option<&str>) {
    let (gateway, sandbox) = (
        mesh.gateway().replace("127.0.0.1", "localhost"),
        mesh.sandbox().url(),
    );
    let sandbox = sandbox.replace("127.0.0.1", "localhost");
    println!(
        "\ncarshare is running.

  gateway    {gateway}              REST, gRPC, gRPC-web, Connect on one port
  API docs   {gateway}/docs         and {gateway}/openapi.json
  sandbox    {sandbox}              Toss, Kakao, FCM and SMTP; fault switches
  FCM inbox  {sandbox}/fcm/inbox    pushes that arrived on phones
  mails      {sandbox}/mail/inbox   verification of addresses and password resets"
    );
    if let Some(admin) = mesh.admin() {
        let port = admin.port();
        println!("  metrics    http://localhost:{port}/metrics      and /readyz, /livez, of all services");
    }
    match otlp_endpoint {
        Some(endpoint) => println!("  traces     sent to {endpoint}"),
        None => println!(
            "  traces     off; --set GATEWAY__TELEMETRY__OTLP_ENDPOINT=http://localhost:4317 sends them"
        ),
    }
    if with_demo {
        let people = |all: &[demo::Person]| all.iter().map(|p| p.email).collect::<Vec<_>>().join(", ");
        println!(
            "\n  hosts      {}\n  guests     {}\n  admin      {}\n  password   {}",
            people(&demo::HOSTS),
            people(&demo::GUESTS),
            demo::ADMIN,
            demo::PASSWORD
        );
        let secret = TotpSecret::new(demo::ADMIN_TOTP_SECRET);
        println!(
            "  admin code {}                             now; secret for an authenticator app: {}",
            secret.code(mesh.environment().clock.now()),
            secret.base32()
        );
        let day = (mesh.now() + TimeDelta::days(7)).format("%Y-%m-%d");
        println!(
            "\nA first call, cars near the city hall in a week:

  curl -s '{gateway}/v1/vehicles?lat=37.5663&lng=126.9778&radius=3&start_datetime={day}T01:00:00Z&end_datetime={day}T05:00:00Z'"
        );
    }
    println!(
        "\n--set KEY=VALUE and environment variables set any configuration key, such as
GATEWAY__LIMITS__PER_HOUR_BY_USER. Ctrl-C stops everything; the data stays in the data folder.\n"
    );
}
