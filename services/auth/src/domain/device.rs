//! Kinds of devices, named in mails. They are read from the user agent, which is text of the client and never part of a mail.

/// Kind of device of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    Apple,
    Android,
    Windows,
    Mac,
    Linux,
    Unknown,
}

/// Parts of user agents in lower case, the most specific first.
const PARTS: [(&str, Device); 8] = [
    ("iphone", Device::Apple),
    ("ipad", Device::Apple),
    ("ios", Device::Apple),
    ("android", Device::Android),
    ("okhttp", Device::Android),
    ("windows", Device::Windows),
    ("mac os", Device::Mac),
    ("linux", Device::Linux),
];

impl Device {
    pub fn of(user_agent: Option<&str>) -> Self {
        let agent = user_agent.unwrap_or_default().to_lowercase();
        let found = PARTS.iter().find(|(part, _)| agent.contains(part));
        found.map_or(Self::Unknown, |(_, device)| *device)
    }

    /// Returns the name in Korean and English.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Apple => ("iPhone 또는 iPad", "iPhone or iPad"),
            Self::Android => ("Android 기기", "Android device"),
            Self::Windows => ("Windows PC", "Windows computer"),
            Self::Mac => ("Mac", "Mac"),
            Self::Linux => ("Linux PC", "Linux computer"),
            Self::Unknown => ("알 수 없는 기기", "unknown device"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_is_read_from_the_user_agent() {
        for (agent, expected) in [
            ("carshare-ios/3.1", Device::Apple),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)",
                Device::Apple,
            ),
            ("Mozilla/5.0 (Linux; Android 15; SM-S921N)", Device::Android),
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64)", Device::Windows),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14_0)", Device::Mac),
            ("Mozilla/5.0 (X11; Linux x86_64)", Device::Linux),
            ("grpc-python/1.62", Device::Unknown),
        ] {
            assert_eq!(Device::of(Some(agent)), expected, "{agent}");
        }
        assert_eq!(Device::of(None), Device::Unknown);
    }
}
