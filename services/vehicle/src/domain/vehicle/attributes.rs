//! The closed lists of a car, with the words they are stored as.

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$each])* $variant,)+
        }

        impl $name {
            /// The word it is stored as.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The value with this word.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

words! {
    /// Whether a car can be found and booked.
    Status {
        /// Found by search and bookable.
        Active = "active",
        /// Not offered: without a photo yet, or taken off the market by its host.
        Inactive = "inactive",
        Maintenance = "maintenance",
    }
}

words! {
    /// What a car runs on.
    Fuel {
        Gasoline = "gasoline",
        Diesel = "diesel",
        Electric = "electric",
        /// Petrol or diesel with a battery.
        Hybrid = "hybrid",
    }
}

words! {
    /// How a car changes gears.
    Transmission {
        Manual = "manual",
        Automatic = "automatic",
    }
}
