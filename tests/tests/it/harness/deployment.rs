//! What tests need of a mesh, whether it runs in this process or as a fleet of processes.

use carshare_chassis::Clock;
use carshare_mesh::dependencies::Dependencies;
use carshare_mesh::{Fleet, Mesh};
use carshare_sandbox::Sandbox;
use chrono::{DateTime, Utc};

pub trait Deployment {
    /// URLs of its gateways.
    fn gateways(&self) -> Vec<String>;

    /// Its servers and sandbox.
    fn dependencies(&self) -> &Dependencies;

    fn now(&self) -> DateTime<Utc>;

    fn sandbox(&self) -> &Sandbox {
        &self.dependencies().sandbox
    }
}

impl Deployment for Mesh {
    fn gateways(&self) -> Vec<String> {
        vec![self.gateway().to_owned()]
    }

    fn dependencies(&self) -> &Dependencies {
        Self::dependencies(self)
    }

    fn now(&self) -> DateTime<Utc> {
        Self::now(self)
    }
}

impl Deployment for Fleet {
    fn gateways(&self) -> Vec<String> {
        Self::gateways(self)
    }

    fn dependencies(&self) -> &Dependencies {
        Self::dependencies(self)
    }

    fn now(&self) -> DateTime<Utc> {
        Clock::system().now()
    }
}
