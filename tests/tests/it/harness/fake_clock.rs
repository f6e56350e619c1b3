//! A wrong clock of a process.

use carshare_mesh::{Fleet, Replica};
use carshare_testkit::TempDir;

/// The clock of one process, by libfaketime, which reads its offset from a file. `scripts/prepare.sh` installs it.
pub struct FakeClock {
    library: String,
    folder: TempDir,
}

impl FakeClock {
    /// A clock that is off by `offset`, as in `+3h`.
    pub fn new(offset: &str) -> Self {
        let libraries = std::fs::read_dir("/usr/lib").expect("a folder").flatten();
        let found = libraries
            .map(|entry| entry.path().join("faketime/libfaketimeMT.so.1"))
            .find(|path| path.exists());
        let library = found.expect("`make prepare` installs libfaketime");
        let clock = Self {
            library: library.display().to_string(),
            folder: TempDir::create("clock").expect("a folder"),
        };
        clock.set(offset);
        clock
    }

    /// Changes the clock of the running process.
    pub fn set(&self, offset: &str) {
        std::fs::write(self.file(), offset).expect("the folder can be written");
    }

    /// Starts a process of the fleet with this clock.
    pub fn spawn(&self, fleet: &mut Fleet, replica: Replica) {
        let file = self.file();
        let env = [
            ("LD_PRELOAD", self.library.as_str()),
            ("FAKETIME_TIMESTAMP_FILE", file.as_str()),
            ("FAKETIME_CACHE_DURATION", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ];
        fleet.spawn_with(replica, &[], &env).expect("it starts");
    }

    fn file(&self) -> String {
        self.folder.path().join("offset").display().to_string()
    }
}
