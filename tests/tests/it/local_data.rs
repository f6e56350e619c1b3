//! `carshare run`: its files are for their owner only, and nothing listens beyond the loopback interface.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use carshare_testkit::process::{Binary, Launch, built};
use carshare_testkit::{TempDir, eventually};

const WAIT: Duration = Duration::from_mins(1);

/// State of a listening socket in `/proc/net/tcp`.
const LISTENING: &str = "0A";

/// Address of a loopback interface in `/proc/net/tcp` and `/proc/net/tcp6`.
const LOOPBACK: [&str; 2] = ["0100007F", "00000000000000000000000001000000"];

/// Files and folders below `folder` that others than the owner can read, write or enter. The group of PostgreSQL's user may pass
/// through the folder of root.
fn open_to_others(folder: &Path) -> Vec<(PathBuf, u32)> {
    let mode = |path: &Path| fs::symlink_metadata(path).expect("a mode").permissions().mode() & 0o777;
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        found.extend((mode(&folder) & 0o067 != 0).then(|| (folder.clone(), mode(&folder))));
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if mode(&path) & 0o077 != 0 {
                found.push((path.clone(), mode(&path)));
            }
        }
    }
    found
}

/// Returns a process and those that it has started, directly or not.
fn family(id: u32) -> BTreeSet<u32> {
    let ids = || {
        fs::read_dir("/proc")
            .expect("/proc")
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
    };
    let parent = |id: u32| {
        let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        status
            .lines()
            .find_map(|line| line.strip_prefix("PPid:"))?
            .trim()
            .parse::<u32>()
            .ok()
    };
    let mut family = BTreeSet::from([id]);
    loop {
        let children: Vec<u32> = ids()
            .filter(|id| parent(*id).is_some_and(|parent| family.contains(&parent)))
            .collect();
        let before = family.len();
        family.extend(children);
        if family.len() == before {
            return family;
        }
    }
}

/// Returns the addresses on which these processes listen, as the kernel writes them: address and port in hexadecimal.
fn listeners(processes: &BTreeSet<u32>) -> BTreeSet<(String, String)> {
    let sockets: BTreeSet<String> = processes
        .iter()
        .filter_map(|id| fs::read_dir(format!("/proc/{id}/fd")).ok())
        .flat_map(Iterator::flatten)
        .filter_map(|entry| {
            let target = fs::read_link(entry.path()).ok()?;
            Some(
                target
                    .to_str()?
                    .strip_prefix("socket:[")?
                    .trim_end_matches(']')
                    .to_owned(),
            )
        })
        .collect();
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    let lines = tables.iter().flat_map(|table| table.lines().skip(1));
    lines
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let is_ours = fields[3] == LISTENING && sockets.contains(fields[9]);
            let (address, port) = fields[1].split_once(':')?;
            is_ours.then(|| (address.to_owned(), port.to_owned()))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn local_mesh_keeps_its_data_private_and_listens_on_loopback() {
    let folder = TempDir::create("local").expect("a folder");
    let data = folder.path().join("data");
    // A folder of an earlier release.
    fs::create_dir(&data).expect("a folder");
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).expect("a mode");
    let ports = ["--gateway-port", "--sandbox-port", "--s3-port", "--admin-port"].map(|port| [port, "0"]);
    let data_args = ["run", "--no-demo", "--data", data.to_str().expect("text")];
    let launch = Launch {
        args: data_args
            .into_iter()
            .chain(ports.into_iter().flatten())
            .map(str::to_owned)
            .collect(),
        env: HashMap::new(),
        dir: None,
    };
    let mut mesh = Binary::spawn(
        built("carshare").expect("`make test` builds the binaries first"),
        launch,
    )
    .expect("a process");
    let gateway = eventually(WAIT, async || {
        let lines = mesh.logs().lines();
        let line = lines
            .iter()
            .find(|line| line.trim_start().starts_with("gateway"))?;
        line.split_whitespace()
            .find(|word| word.starts_with("http"))
            .map(str::to_owned)
    })
    .await;
    let jwks = reqwest::get(format!("{gateway}/.well-known/jwks.json"))
        .await
        .expect("a response");
    assert_eq!(jwks.status(), 200);

    assert_eq!(open_to_others(&data), []);
    let found = listeners(&family(mesh.id()));
    assert!(
        found.len() >= 6,
        "gateway, sandbox, S3, admin, PostgreSQL and Redis: {found:?}"
    );
    let beyond: Vec<_> = found
        .iter()
        .filter(|(address, _)| !LOOPBACK.contains(&address.as_str()))
        .collect();
    assert!(beyond.is_empty(), "{beyond:?}");
    mesh.terminate().expect("a signal");
    assert!(mesh.wait(WAIT).await.expect("it ends").success());
}

#[tokio::test]
async fn listeners_beyond_loopback_and_readable_files_are_found() {
    let _open = tokio::net::TcpListener::bind("0.0.0.0:0").await.expect("a port");
    let found = listeners(&BTreeSet::from([std::process::id()]));
    assert!(
        found.iter().any(|(address, _)| address == "00000000"),
        "{found:?}"
    );
    let folder = TempDir::create("open").expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "").expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("a mode");
    assert_eq!(open_to_others(folder.path()), [(file, 0o644)]);
}
