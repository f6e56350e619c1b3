//! Devices that receive pushes.

/// Operating system of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum Platform {
    Ios,
    Android,
    Web,
}

impl Platform {
    /// Returns the value of the column.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
