//! Events in: every event of the mesh, turned into notifications.

pub mod notify;
