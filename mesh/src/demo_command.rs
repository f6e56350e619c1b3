//! `carshare demo`: plays a rental of two weeks on a temporary mesh, in seconds, and prints its timeline.

use anyhow::Result;
use carshare_chassis::{Environment, Shutdown};
use carshare_mesh::{Mesh, Options, demo};

pub async fn run() -> Result<()> {
    let shutdown = Shutdown::from_signals()?;
    let options = Options::temporary().with_environment(Environment::movable());
    let mesh = tokio::select! {
        mesh = Mesh::start(options) => mesh?,
        () = shutdown.cancelled() => return Ok(()),
    };
    let played = tokio::select! {
        played = play(&mesh) => played,
        () = shutdown.cancelled() => Ok(()),
    };
    let stopped = mesh.stop().await;
    played.and(stopped)
}

async fn play(mesh: &Mesh) -> Result<()> {
    let (gateway, sandbox) = (mesh.gateway(), mesh.sandbox().url());
    demo::load(gateway, sandbox, None).await?;
    demo::create_admin(&mesh.auth_config()?, mesh.environment().clone()).await?;
    for line in demo::play_rental(gateway, sandbox).await? {
        println!("{line}");
    }
    Ok(())
}
