//! Upgrades: processes are replaced one after the other under load, by those of the same release or, with `CARSHARE_BINARIES`, by those
//! of this release (`make test-upgrade`); and a release on the schema of the one before.

mod balancer;
mod rolling;
mod schema;
