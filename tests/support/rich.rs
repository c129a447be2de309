//! A small tree on which `apply` does one of everything, and the exact picture of a tree.
#![allow(dead_code, clippy::disallowed_methods, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const UNIT: &str = "[Unit]\nDescription=made up\n[Service]\nExecStart=/usr/sbin/made-up\n\
                    [Install]\nWantedBy=multi-user.target\n";

const FILES: &[(&str, u32, &str)] = &[
    ("etc/os-release", 0o644, "ID=ubuntu\nVERSION_ID=\"18.04\"\n"),
    ("etc/fstab", 0o644, "LABEL=root\t/\text4\tdefaults\t0 0\ntmpfs /dev/shm tmpfs defaults 0 0\n"),
    ("etc/ssh/sshd_config", 0o640, "# of the site\nUsePAM yes\nX11Forwarding yes\n"),
    ("etc/passwd", 0o644, "root:x:0:0::/root:/bin/bash\neve:x:1000:1000::/home/eve:/bin/bash\n"),
    ("etc/group", 0o664, "root:x:0:\nshadow:x:42:\neve:x:1000:\n"),
    ("etc/shadow", 0o644, "root:*:17000:0:99999:7:::\neve:$6$a$b:17000:0:99999:7:::\n"),
    ("etc/crontab", 0o664, "# nothing\n"),
    ("etc/issue", 0o644, "Welcome to \\m\n"),
    ("etc/login.defs", 0o644, "PASS_MAX_DAYS 99999\n"),
    ("etc/pam.d/common-password", 0o644, "password [success=1 default=ignore] pam_unix.so md5\n"),
    ("home/eve/.bashrc", 0o666, "# eve\n"),
    ("lib/systemd/system/autofs.service", 0o644, UNIT),
    ("lib/systemd/system/apparmor.service", 0o644, UNIT),
    (
        "var/lib/dpkg/status",
        0o644,
        "Package: autofs\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n\n\
         Package: apparmor\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n\n",
    ),
];

const LINKS: &[(&str, &str)] = &[
    (
        "etc/systemd/system/multi-user.target.wants/autofs.service",
        "/lib/systemd/system/autofs.service",
    ),
    ("etc/systemd/system/apparmor.service", "/dev/null"),
];

/// What the tree has beyond plain files; not every filesystem and caller can.
#[derive(Debug, Default)]
pub struct Extras {
    /// Owners other than the caller.
    pub owners: bool,
    /// Extended attributes of users.
    pub attributes: bool,
    /// An ACL.
    pub acl: bool,
}

/// Makes the tree in `root`, all of it a day old and more.
pub fn plant(root: &Path) -> Extras {
    let mut extras = Extras::default();
    fs::create_dir_all(root.join("etc/cron.d")).unwrap();
    for (path, mode, text) in FILES {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).unwrap();
    }
    for (path, target) in LINKS {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
    }
    fs::set_permissions(root.join("home/eve"), fs::Permissions::from_mode(0o777)).unwrap();
    extras.owners = ["home/eve", "home/eve/.bashrc"]
        .iter()
        .all(|p| chown(root.join(p), Some(1000), Some(1000)).is_ok())
        && chown(root.join("etc/shadow"), Some(0), Some(42)).is_ok()
        && lchown(root.join(LINKS[1].0), Some(1000), Some(42)).is_ok();
    extras.attributes = ["etc/ssh/sshd_config", "etc/crontab", "etc/cron.d"]
        .iter()
        .all(|p| xattr::set(root.join(p), "user.note", b"kept").is_ok());
    // user::rw-, user 1000 rw-, group::r--, mask rw-, other r--
    let acl: [u8; 44] = {
        let mut bytes = [0xff; 44];
        bytes[..4].copy_from_slice(&[2, 0, 0, 0]);
        let entries: [(u8, u8, u32); 5] = [
            (1, 6, u32::MAX),
            (2, 6, 1000),
            (4, 4, u32::MAX),
            (0x10, 6, u32::MAX),
            (0x20, 4, u32::MAX),
        ];
        for (slot, (tag, permission, id)) in bytes[4..].chunks_exact_mut(8).zip(entries) {
            slot[..4].copy_from_slice(&[tag, 0, permission, 0]);
            slot[4..].copy_from_slice(&id.to_le_bytes());
        }
        bytes
    };
    extras.acl = ["etc/login.defs", "etc/crontab"]
        .iter()
        .all(|p| xattr::set(root.join(p), "system.posix_acl_access", &acl).is_ok());
    age(root);
    extras
}

/// Gives everything old times, each another, deepest first.
fn age(path: &Path) {
    if path.is_symlink() {
        // The standard library cannot set the times of links; they are as they are.
        return;
    }
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            age(&entry.unwrap().path());
        }
    }
    let odd = path.as_os_str().len() as u64;
    let time = SystemTime::UNIX_EPOCH + Duration::new(1_500_000_000 + odd, 987_654_321);
    fs::File::open(path).unwrap().set_modified(time).unwrap();
}

/// Everything about one path that a revert brings back.
#[derive(Clone, PartialEq, Eq)]
pub struct Seen {
    pub kind_and_mode: u32,
    pub owner: (u32, u32),
    /// Seconds and nanoseconds.
    pub mtime: (i64, i64),
    pub content: Vec<u8>,
    pub attributes: BTreeMap<String, Vec<u8>>,
}

impl std::fmt::Debug for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Seen { kind_and_mode, owner, mtime, content, attributes } = self;
        let start = String::from_utf8_lossy(&content[..content.len().min(30)]).into_owned();
        let names: Vec<&String> = attributes.keys().collect();
        write!(f, "{kind_and_mode:o} {owner:?} {mtime:?} {} {start:?} {names:?}", content.len())
    }
}

/// Everything below a directory, itself too.
pub fn picture(root: &Path) -> BTreeMap<PathBuf, Seen> {
    let mut out = BTreeMap::new();
    let mut todo = vec![root.to_owned()];
    while let Some(path) = todo.pop() {
        let meta = fs::symlink_metadata(&path).unwrap();
        let content = if meta.is_dir() {
            todo.extend(fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
            Vec::new()
        } else if meta.is_symlink() {
            fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
        } else if meta.is_file() {
            fs::read(&path).unwrap()
        } else {
            Vec::new()
        };
        let names = if meta.is_symlink() { None } else { xattr::list(&path).ok() };
        let attributes = names
            .into_iter()
            .flatten()
            .filter_map(|n| Some((n.to_str()?.to_owned(), xattr::get(&path, &n).ok()??)))
            .collect();
        out.insert(
            path.strip_prefix(root).unwrap().to_owned(),
            Seen {
                kind_and_mode: meta.mode(),
                owner: (meta.uid(), meta.gid()),
                mtime: (meta.mtime(), meta.mtime_nsec()),
                content,
                attributes,
            },
        );
    }
    out
}

/// In which paths two pictures differ, and how, for messages.
pub fn difference(a: &BTreeMap<PathBuf, Seen>, b: &BTreeMap<PathBuf, Seen>) -> Vec<String> {
    let paths: std::collections::BTreeSet<&PathBuf> = a.keys().chain(b.keys()).collect();
    paths
        .into_iter()
        .filter(|p| a.get(*p) != b.get(*p))
        .map(|p| format!("{}: {:?} / {:?}", p.display(), a.get(p), b.get(p)))
        .collect()
}

/// The picture without times: what two runs at different times have in common.
pub fn timeless(picture: &BTreeMap<PathBuf, Seen>) -> BTreeMap<PathBuf, Seen> {
    picture.iter().map(|(p, s)| (p.clone(), Seen { mtime: (0, 0), ..s.clone() })).collect()
}
