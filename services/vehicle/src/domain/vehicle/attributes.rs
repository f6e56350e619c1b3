//! Enumerated attributes of a car, spelled as in the contract and the database.

/// Whether a car is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum Status {
    /// Found by search and bookable.
    Active,
    /// Not offered: without a photo yet, or deactivated by its host.
    Inactive,
    Maintenance,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum Fuel {
    Gasoline,
    Diesel,
    Electric,
    /// Petrol or diesel with a battery.
    Hybrid,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum Transmission {
    Manual,
    Automatic,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl Fuel {
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl Transmission {
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
