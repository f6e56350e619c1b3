//! sea-orm entities, without logic.

pub mod device;
pub mod notification;
