//! What tests ask of a mesh, whether it runs in this process or as a fleet of processes.

use carshare_mesh::dependencies::Dependencies;
use carshare_mesh::{Fleet, Mesh};
use carshare_sandbox::Sandbox;

pub trait Running {
    /// URL of its gateway.
    fn gateway(&self) -> &str;
    /// What it stands on: the servers and the outside environment.
    fn dependencies(&self) -> &Dependencies;

    fn sandbox(&self) -> &Sandbox {
        &self.dependencies().sandbox
    }
}

impl Running for Mesh {
    fn gateway(&self) -> &str {
        Self::gateway(self)
    }

    fn dependencies(&self) -> &Dependencies {
        Self::dependencies(self)
    }
}

impl Running for Fleet {
    fn gateway(&self) -> &str {
        Self::gateway(self)
    }

    fn dependencies(&self) -> &Dependencies {
        Self::dependencies(self)
    }
}
