//! Lines of `HostKey` that name what is no key: nothing that anybody needs is shut.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use gokaku::rootfs::{DiskRootfs, Resolver};

use crate::trap::{self, Trap, Watch, as_root, assert_blind};

/// The start of a private key, and nothing secret behind it.
const KEY: &str = "-----BEGIN OPENSSH PRIVATE KEY-----\nnone\n-----END OPENSSH PRIVATE KEY-----\n";

#[test]
fn a_host_key_line_shuts_no_file_that_is_no_key() {
    if !as_root("keys::a_host_key_line_shuts_no_file_that_is_no_key") {
        return;
    }
    let trap = Trap::new();
    let stays = [
        ("/bin/bash", "\u{7f}ELF", 0o755),
        ("/usr/bin/sudo", "\u{7f}ELF", 0o4755),
        ("/etc/program", KEY, 0o755),
        ("/etc/hosts", "127.0.0.1 localhost\n", 0o644),
        ("/etc/ssl/certs/all.pem", "-----BEGIN CERTIFICATE-----\n", 0o644),
        ("/usr/share/key", KEY, 0o644),
        ("/home/ubuntu/key", KEY, 0o644),
        ("/etc/twice", KEY, 0o644),
    ];
    let mut lines = "HostKey /etc/passwd\nHostKey /etc/node\nHostKey /dev/null\n".to_owned();
    for (path, text, mode) in stays {
        let at = trap.file(path, text);
        fs::set_permissions(&at, fs::Permissions::from_mode(mode)).unwrap();
        lines.push_str(&format!("HostKey {path}\n"));
    }
    fs::hard_link(trap.root().join("etc/twice"), trap.root().join("home/twice")).unwrap();
    let key = trap.file("/etc/node", KEY);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let config = trap.root().join("etc/ssh/sshd_config");
    fs::write(&config, fs::read_to_string(&config).unwrap() + &lines).unwrap();
    let mode = |path: &str| fs::metadata(trap.root().join(&path[1..])).unwrap().mode() & 0o7777;
    for resolver in [Resolver::detect(), Resolver::Walk] {
        let watch = Watch::tree(&trap.host());
        let root = DiskRootfs::open_with(&trap.root(), resolver).unwrap();
        let done = trap::harden(&root, &trap.state()).unwrap();
        assert_blind(&done.report.rules, &lines);
        assert!(watch.heard().is_empty());
        for (path, _, old) in stays.into_iter().chain([("/etc/passwd", "", 0o644)]) {
            assert_eq!(mode(path), old, "{path}");
        }
        assert_eq!(mode("/etc/node"), 0o600, "a key is closed");
    }
}
