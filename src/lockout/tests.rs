use super::*;
use crate::rootfs::MemoryRootfs;

const TODAY: i64 = 20_000;
const HASH: &str = "$6$salt$0123456789abcdef";

/// An image that `bob` and `root` may log in to.
fn image() -> MemoryRootfs {
    MemoryRootfs::new()
        .file(
            "/var/lib/dpkg/status",
            "Package: openssh-server\nStatus: install ok installed\nVersion: 1:8.4p1-5\n",
        )
        .file("/etc/ssh/sshd_config", "UsePAM yes\nPermitRootLogin yes\n")
        .file("/etc/passwd", "root:x:0:0::/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\n")
        .file("/etc/group", "root:x:0:\nbob:x:1000:\nadm:x:4:bob\n")
        .file(
            "/etc/shadow",
            format!("root:{HASH}:19000:0:99999:7:::\nbob:{HASH}:19900:0:99999:7:::\n"),
        )
        .file_with("/bin/sh", "", 0o755, 0, 0)
}

/// As [`image`], but bob has a key and no password.
fn keyed() -> MemoryRootfs {
    image()
        .file("/etc/shadow", "bob:!:19900:0:99999:7:::\n")
        .dir("/home", 0o755, 0, 0)
        .dir("/home/bob", 0o755, 1000, 1000)
        .dir("/home/bob/.ssh", 0o700, 1000, 1000)
        .file_with("/home/bob/.ssh/authorized_keys", "# me\nssh-x AAA\n", 0o600, 1000, 1000)
}

fn ends(before: &MemoryRootfs, after: &MemoryRootfs, account: &str) -> Vec<String> {
    match compare(&before.into(), &after.into(), account, TODAY).unwrap() {
        Outlook::Ends(bars) => {
            bars.iter().map(|bar| format!("{} ({})", bar.says, bar.place())).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn outlook_of(before: &MemoryRootfs, after: &MemoryRootfs, account: &str) -> Outlook {
    compare(&before.into(), &after.into(), account, TODAY).unwrap()
}

#[test]
fn what_ends_a_login() {
    let shadow = |line: &str| image().file("/etc/shadow", format!("bob:{line}\n"));
    let passwd =
        |shell: &str| image().file("/etc/passwd", format!("bob:x:1000:1000::/home/bob:{shell}\n"));
    let sshd = |text: &str| image().file("/etc/ssh/sshd_config", text);
    for (after, account, says) in [
        (
            sshd("UsePAM yes\nPermitRootLogin no\n"),
            "root",
            "PermitRootLogin no (/etc/ssh/sshd_config:2)",
        ),
        (sshd("UsePAM yes\nDenyUsers bob\n"), "bob", "DenyUsers bob (/etc/ssh/sshd_config:2)"),
        (sshd("UsePAM yes\nAllowGroups root\n"), "bob", "AllowGroups root"),
        (sshd("UsePAM yes\nFoo\n"), "bob", "keeps sshd from starting"),
        (
            passwd("/usr/sbin/nologin"),
            "bob",
            "the login shell is /usr/sbin/nologin (/etc/passwd:1)",
        ),
        (passwd("/bin/zsh"), "bob", "/bin/zsh is not there"),
        (passwd("/bin/nologin"), "bob", "the login shell is /bin/nologin"),
        (passwd("/bin/false"), "bob", "the login shell is /bin/false"),
        (passwd("/bin/sync"), "bob", "the login shell is /bin/sync"),
        (passwd("").without("/bin/sh"), "bob", "the login shell /bin/sh is not there"),
        (passwd("zsh"), "bob", "is not a path"),
        (passwd("/etc/passwd"), "bob", "/etc/passwd cannot be started"),
        (
            shadow(&format!("{HASH}:19900:0:90:7:::")),
            "bob",
            "expired 10 days ago and must be changed",
        ),
        (shadow(&format!("{HASH}:19900:0:90:7:5::")), "bob", "and the account with it"),
        (shadow(&format!("{HASH}:0:0:90:7:::")), "bob", "must be changed at the next login"),
        (
            shadow(&format!("{HASH}:19900:0:99999:7::20000:")),
            "bob",
            "the account bob expired on 2024-10-04",
        ),
        (
            shadow("!:19900:0:99999:7:::"),
            "bob",
            "sshd accepts no password of bob, and there is no key yet",
        ),
        (sshd("PasswordAuthentication no\nUsePAM no\n"), "bob", "there is no key yet"),
        (image().file("/etc/nologin", ""), "bob", "only root may log in"),
    ] {
        let found = ends(&image(), &after, account);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(says), "{found:?} lacks {says}");
    }
}

#[test]
fn modes_that_make_sshd_refuse_a_key() {
    let after = |path: &str, mode, uid, gid| match path.ends_with("keys") {
        true => keyed().file_with(path, "ssh-x AAA\n", mode, uid, gid),
        false => keyed().dir(path, mode, uid, gid),
    };
    let keys = "/home/bob/.ssh/authorized_keys";
    for (after, says) in [
        (after(keys, 0o620, 1000, 1000), "keys that others may change: mode 0620"),
        (after(keys, 0o600, 0, 0), "cannot read the keys"),
        (after(keys, 0o644, 7, 0), "others may change: mode 0644, owner 7"),
        (
            after("/home/bob", 0o775, 1000, 1000),
            "below a directory that others may change: mode 0775",
        ),
        (after("/home/bob", 0o700, 0, 0), "cannot reach the keys"),
        (after("/home/bob/.ssh", 0o700, 0, 0), "cannot reach the keys"),
        (after("/home", 0o700, 0, 0), "cannot reach the keys"),
        (keyed().file("/etc/ssh/sshd_config", "UsePAM no\n"), "the account bob is locked, and"),
        (
            keyed().file("/etc/ssh/sshd_config", "UsePAM yes\nAuthorizedKeysFile /etc/%u\n"),
            "no key yet",
        ),
        (
            keyed().file("/etc/ssh/sshd_config", "UsePAM yes\nPubkeyAuthentication no\n"),
            "no key either",
        ),
    ] {
        let found = ends(&keyed(), &after, "bob");
        assert!(found.iter().any(|f| f.contains(says)), "{found:?} lacks {says}");
    }
    for open in [
        after(keys, 0o600, 1000, 1000),
        after(keys, 0o644, 0, 0),
        after("/home/bob", 0o750, 0, 1000),
        after("/home", 0o711, 7, 7),
        keyed().file("/etc/ssh/sshd_config", "UsePAM yes\nStrictModes no\n").dir(
            "/home/bob",
            0o777,
            1000,
            1000,
        ),
        keyed().file(
            "/etc/ssh/sshd_config",
            "UsePAM yes\nAuthorizedKeysFile %h/.ssh/authorized_keys\n",
        ),
        keyed().file(
            "/etc/ssh/sshd_config",
            "UsePAM yes\nAuthorizedKeysCommand /x\nAuthorizedKeysCommandUser y\nAuthorizedKeysFile none\n",
        ),
    ] {
        assert_eq!(outlook_of(&keyed(), &open, "bob"), Outlook::Open);
    }
}

#[test]
fn what_was_so_before_ends_nothing() {
    let shut = image().file("/etc/ssh/sshd_config", "UsePAM yes\nDenyUsers bob\n");
    let more = image().file("/etc/ssh/sshd_config", "UsePAM yes\nDenyUsers bob\nAllowUsers x\n");
    assert!(
        matches!(outlook_of(&shut, &more, "bob"), Outlook::ShutBefore(b) if b.word == "DenyUsers")
    );
    assert_eq!(outlook_of(&shut, &image(), "bob"), outlook_of(&shut, &shut, "bob"));
    assert_eq!(outlook_of(&image(), &image(), "root"), Outlook::Open);
    // Nobody logs in where no server is.
    let none = || image().without("/etc/ssh/sshd_config");
    let away = none().file("/etc/shadow", "bob:!:0:0:1:7:::\n");
    assert_eq!(outlook_of(&none(), &away, "bob"), Outlook::Open);
}

#[test]
fn what_the_first_start_brings_does_not_hide_what_a_plan_ends() {
    // A cloud image: neither the account nor a key is there yet.
    let denied =
        |root: MemoryRootfs| root.file("/etc/ssh/sshd_config", "UsePAM yes\nDenyUsers bob eve\n");
    assert!(matches!(outlook_of(&image(), &image(), "eve"), Outlook::ShutBefore(b) if b.passing));
    assert_eq!(ends(&image(), &denied(image()), "eve").len(), 1);
    let bare = || image().file("/etc/shadow", "bob:!:19900:0:99999:7:::\n");
    assert!(
        matches!(outlook_of(&bare(), &bare(), "bob"), Outlook::ShutBefore(b) if b.word == "key")
    );
    assert_eq!(
        ends(&bare(), &denied(bare()), "bob"),
        ["DenyUsers bob eve (/etc/ssh/sshd_config:2)"]
    );
}
