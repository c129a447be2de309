//! Each kind of consequence on a small tree, planned with the embedded profile.

use super::*;
use crate::check::Options;
use crate::plan::{self, Plan};
use crate::profile::Profile;
use crate::rootfs::{FileKind, MemoryRootfs, NodeBody, Rootfs};

const HASH: &str = "$6$salt$0123456789abcdef";

/// A machine with sshd, root without a password, and bob, who logs in with a password and uses sudo.
fn image() -> MemoryRootfs {
    MemoryRootfs::new()
        .file(
            "/var/lib/dpkg/status",
            "Package: openssh-server\nStatus: install ok installed\nVersion: 1:7.6p1-4\n",
        )
        .file("/etc/ssh/sshd_config", "UsePAM yes\n")
        .file("/etc/passwd", "root:x:0:0::/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\n")
        .file("/etc/group", "root:x:0:\nbob:x:1000:\nsudo:x:27:bob\nshadow:x:42:\n")
        .file("/etc/shadow", format!("root:*:20000:0:99999:7:::\nbob:{HASH}:20000:0:99999:7:::\n"))
        .file("/etc/sudoers", "%sudo ALL=(ALL:ALL) ALL\n")
        .file("/etc/login.defs", "UID_MIN 1000\nUID_MAX 60000\n")
        .file_with("/bin/sh", "", 0o755, 0, 0)
        .file_with("/usr/sbin/nologin", "", 0o755, 0, 0)
        .dir("/home", 0o755, 0, 0)
        .dir("/home/bob", 0o755, 1000, 1000)
        .dir("/root", 0o700, 0, 0)
}

fn append(root: MemoryRootfs, path: &str, line: &str) -> MemoryRootfs {
    let path_ = crate::rootfs::ImagePath::parse(path).unwrap();
    let old = root.read(&path_).unwrap().unwrap_or_default();
    root.file(path, format!("{old}{line}\n"))
}

/// With a system account of this line and password.
fn with_account(root: MemoryRootfs, line: &str, password: &str) -> MemoryRootfs {
    let name = line.split(':').next().unwrap().to_owned();
    let root = append(root, "/etc/passwd", line);
    append(root, "/etc/shadow", &format!("{name}:{password}:20000:0:99999:7:::"))
}

fn planned(root: &MemoryRootfs, rows: &[&str]) -> Plan {
    let options = Options::default();
    planned_with(root, rows, &options)
}

fn planned_with(root: &MemoryRootfs, rows: &[&str], options: &Options) -> Plan {
    let profile = Profile::embedded().unwrap();
    let rules: Vec<&Rule> =
        profile.rules.iter().filter(|r| rows.contains(&r.id.to_string().as_str())).collect();
    assert_eq!(rules.len(), rows.len());
    let plan = plan::plan(&rules, Audit::new(root, options)).unwrap();
    // What was left alone is left alone again, and nothing else is to be done.
    let result = root.clone().changed(plan.nodes());
    let again = plan::plan(&rules, Audit::new(&result, options)).unwrap();
    assert!(again.changes().is_empty(), "{:?}", changed(&again));
    assert_eq!(said(&again), [""; 0], "what has ended does not end again");
    plan
}

fn reasons(plan: &Plan) -> Vec<String> {
    plan.after.iter().filter_map(|j| j.reason.as_ref()).map(ToString::to_string).collect()
}

fn said(plan: &Plan) -> Vec<String> {
    plan.consequences.iter().map(|c| c.says.to_string()).collect()
}

fn changed(plan: &Plan) -> Vec<String> {
    plan.changes().iter().map(|c| c.path.to_string()).collect()
}

#[test]
fn a_tree_on_which_nothing_ends_has_no_consequences() {
    let plan =
        planned(&image(), &["5.3.4", "5.3.10", "5.3.19", "5.5.2", "6.2.2", "6.2.5", "6.2.6"]);
    assert_eq!(said(&plan), [""; 0]);
    assert_eq!(changed(&plan), ["/etc/ssh/sshd_config", "/home/bob"]);
}

#[test]
fn an_account_that_logs_in_keeps_its_shell_and_the_others_lose_theirs() {
    let sshd = |text: &str| image().file("/etc/ssh/sshd_config", text);
    let line = "deploy:x:140:140::/srv/deploy:/bin/sh";
    let with = |root: MemoryRootfs, password: &str| {
        with_account(with_account(root, line, password), "idle:x:141:141::/:/bin/sh", "*")
    };
    let keyed = |root: MemoryRootfs, at: &str| root.file(at, "ssh-ed25519 AAAA x\n");
    for tree in [
        with(sshd("UsePAM yes\n"), HASH),
        with(sshd("UsePAM yes\nAllowUsers deploy bob\n"), HASH),
        // Without a key yet: the list lets it in.
        with(sshd("UsePAM yes\nAllowUsers deploy bob\n"), "*"),
        with(sshd("UsePAM yes\nMatch User deploy\nX11Forwarding no\n"), "*"),
        keyed(with(sshd("UsePAM yes\nAuthorizedKeysFile /etc/keys/%u\n"), "*"), "/etc/keys/deploy"),
    ] {
        let plan = planned(&tree, &["5.5.2"]);
        let passwd = plan.changes().iter().find(|c| c.path.as_bytes() == b"/etc/passwd").unwrap();
        let Some(NodeBody::File(Some(text))) = passwd.after.as_ref().map(|n| n.body.clone()) else {
            panic!("a file");
        };
        let text = String::from_utf8_lossy(&text).into_owned();
        assert!(text.contains("deploy:x:140:140::/srv/deploy:/bin/sh"), "{text}");
        assert!(text.contains("idle:x:141:141::/:/usr/sbin/nologin"), "{text}");
        let why = reasons(&plan).join("\n");
        assert!(why.contains("deploy can no longer log in over SSH"), "{why}");
        assert_eq!(said(&plan), [""; 0], "what is left alone ends nothing");
    }
    let idle = planned(&with(sshd("UsePAM yes\n"), "*"), &["5.5.2"]);
    assert_eq!(reasons(&idle), [""; 0]);
}

#[test]
fn what_uses_an_account_keeps_its_shell() {
    let app = || with_account(image(), "app:x:131:131::/opt/app:/bin/sh", "*");
    for (path, text) in [
        ("/etc/init.d/app", "#!/bin/sh\nRUNAS=app\nsu -c x - \"$RUNAS\"\n"),
        ("/etc/systemd/system/a.service", "[Service]\nExecStart=/bin/su - app -c /x\n"),
        ("/etc/cron.d/app", "5 3 * * * root su - app -c /x\n"),
        ("/etc/sudoers.d/app", "bob ALL=(app) /x\n"),
    ] {
        let tree = app().file(path, text);
        let tree = append(tree, "/etc/sudoers", "#includedir /etc/sudoers.d");
        let plan = planned(&tree, &["5.5.2"]);
        assert!(changed(&plan).is_empty(), "{path}");
        let why = reasons(&plan).join("\n");
        assert!(why.contains("app loses its login shell") && why.contains(path), "{path}: {why}");
    }
    let hidden = app().file("/etc/init.d/x", "#!/bin/sh\nsu - $WHO\n");
    let plan = planned(&hidden, &["5.5.2"]);
    assert_eq!(changed(&plan), ["/etc/passwd"], "what is not known does not block");
    assert!(said(&plan)[0].contains("$WHO"), "{:?}", said(&plan));
    assert_eq!(plan.consequences[0].effect, Effect::NotKnown);
}

#[test]
fn pam_keeps_out_whom_it_did_not_judge_before() {
    let pam = |line: &str| {
        image()
            .file("/etc/ssh/sshd_config", "UsePAM no\n")
            .file("/etc/pam.d/sshd", format!("account required {line}\n"))
            .file("/etc/security/access.conf", "-:ALL EXCEPT root:ALL\n")
    };
    let refused = planned(&pam("pam_access.so"), &["5.3.19"]);
    assert!(changed(&refused).is_empty());
    let why = reasons(&refused).join("\n");
    assert!(why.contains("bob can no longer log in over SSH: pam_access"), "{why}");
    assert!(why.contains("5.3.19"), "{why}");
    let unknown = planned(&pam("pam_sss.so"), &["5.3.19"]);
    assert_eq!(changed(&unknown), ["/etc/ssh/sshd_config"]);
    assert!(said(&unknown)[0].contains("pam_sss.so"), "{:?}", said(&unknown));
    let fine = planned(&pam("pam_permit.so"), &["5.3.19"]);
    assert_eq!((changed(&fine).len(), said(&fine)), (1, Vec::new()));
    // The guard looks after this account; it is refused there, with the plan as it is.
    let options = Options { guarded: ["bob".to_owned()].into(), ..Options::default() };
    let guarded = planned_with(&pam("pam_access.so"), &["5.3.19"], &options);
    assert_eq!(changed(&guarded), ["/etc/ssh/sshd_config"]);
    assert!(guarded.consequences.iter().any(|c| c.effect == Effect::SshLogin && c.is_harm()));
}

#[test]
fn a_lock_without_pam_ends_logins_by_key() {
    let tree = image()
        .file("/etc/ssh/sshd_config", "UsePAM no\n")
        .file("/etc/shadow", "root:*:20000:0:99999:7:::\nbob::20000:0:99999:7:::\n")
        .file("/etc/sudoers", "bob ALL=(ALL) NOPASSWD: ALL\n")
        .dir("/home/bob/.ssh", 0o700, 1000, 1000)
        .file_with("/home/bob/.ssh/authorized_keys", "ssh-ed25519 AAAA x\n", 0o600, 1000, 1000);
    let plan = planned(&tree, &["6.2.2"]);
    assert!(changed(&plan).is_empty(), "{:?}", changed(&plan));
    assert!(
        reasons(&plan)[0].contains("bob can no longer log in over SSH"),
        "{:?}",
        reasons(&plan)
    );
    let both = planned(&tree, &["5.3.19", "6.2.2"]);
    assert_eq!(
        changed(&both),
        ["/etc/shadow", "/etc/ssh/sshd_config"],
        "with PAM keys go on working"
    );
    // Whoever needs the password for sudo keeps it until there is another.
    let asked = tree.file("/etc/sudoers", "bob ALL=(ALL) ALL\n");
    let plan = planned(&asked, &["5.3.19", "6.2.2"]);
    assert_eq!(changed(&plan), ["/etc/ssh/sshd_config"]);
    assert!(reasons(&plan)[0].contains("become root"), "{:?}", reasons(&plan));
}

#[test]
fn the_last_admin_is_named_first_and_the_row_is_done() {
    let tree = image()
        .file("/etc/ssh/sshd_config", "UsePAM yes\nPermitRootLogin yes\nAllowUsers root check\n")
        .file("/etc/shadow", format!("root:{HASH}:20000:0:99999:7:::\nbob:*:20000:0:99999:7:::\n"))
        .file("/etc/sudoers", "check ALL=(root) NOPASSWD: /usr/bin/apt-get update\n");
    let tree = with_account(tree, "check:x:1001:1001::/home/check:/bin/sh", HASH);
    let plan = planned(&tree, &["5.3.10"]);
    assert_eq!(changed(&plan), ["/etc/ssh/sshd_config"]);
    let said = said(&plan);
    assert_eq!(said.len(), 2, "{said:?}");
    assert_eq!(said[0], "no account that can become root can log in over SSH any more: 5.3.10");
    assert!(
        said[1].starts_with("root can no longer log in over SSH: PermitRootLogin no"),
        "{said:?}"
    );
    assert!(plan.consequences.iter().all(|c| c.named));
    // Root, whom the list lets in, has no key yet, and no password.
    let keyless = tree.clone().file(
        "/etc/shadow",
        format!("root:*:20000:0:99999:7:::\nbob:*:20000:0:99999:7:::\ncheck:{HASH}:20000::::::\n"),
    );
    assert_eq!(planned(&keyless, &["5.3.10"]).consequences[0].effect, Effect::LastAdmin);
    // bob becomes root by sudo: root's login ends, and nobody is the last.
    let more = tree.file("/etc/sudoers", "check ALL=(ALL) NOPASSWD: ALL\n");
    assert_eq!(planned(&more, &["5.3.10"]).consequences.len(), 1);
}

#[test]
fn directories_stay_open_to_those_who_need_them() {
    // sshd shuts jo into a home that must be root's.
    let jo = with_account(image(), "jo:x:1004:1004::/home/jo:/bin/sh", "!")
        .dir("/home/jo", 0o755, 0, 0)
        .file("/etc/group", "sftponly:x:1100:jo\nbob:x:1000:\n")
        .file("/etc/ssh/sshd_config", "UsePAM yes\nMatch Group sftponly\n\tChrootDirectory %h\n");
    let plan = planned(&jo, &["6.2.5", "6.2.6"]);
    assert_eq!(changed(&plan), ["/home/bob"]);
    assert!(
        reasons(&plan).iter().any(|r| r.contains("shuts the account into")),
        "{:?}",
        reasons(&plan)
    );
    // Without the block it is jo's again.
    let free = jo.file("/etc/ssh/sshd_config", "UsePAM yes\n");
    assert_eq!(changed(&planned(&free, &["6.2.5", "6.2.6"])), ["/home/bob", "/home/jo"]);
    // A home of root's that the account would not get into.
    let app = with_account(image(), "app:x:1001:1001::/home/app:/bin/sh", "!").dir(
        "/home/app",
        0o755,
        0,
        0,
    );
    let plan = planned(&app, &["6.2.6"]);
    assert_eq!(changed(&plan), ["/home/bob"]);
    assert!(reasons(&plan)[0].contains("app can no longer enter its home"), "{:?}", reasons(&plan));
    assert_eq!(changed(&planned(&app, &["6.2.5", "6.2.6"])).len(), 2, "given to it first");
    // Pages below a home.
    let pages = append(image(), "/etc/passwd", "www-data:x:33:33::/var/www:/usr/sbin/nologin")
        .dir("/home/bob/public_html", 0o755, 1000, 1000)
        .file("/etc/apache2/apache2.conf", "UserDir public_html\n");
    let plan = planned(&pages, &["6.2.6"]);
    assert!(changed(&plan).is_empty());
    assert!(reasons(&plan)[0].contains("apache2 can no longer serve /home/bob/public_html"));
    let group = append(pages, "/etc/group", "bobs:x:1000:www-data");
    let group = group.file("/etc/group", "bob:x:1000:www-data\n");
    assert_eq!(changed(&planned(&group, &["6.2.6"])), ["/home/bob"], "the group gets in");
}

#[test]
fn homes_elsewhere_are_often_no_homes() {
    for (home, closes) in [
        ("/srv/www/site", false),
        ("/opt/app", false),
        ("/export/home/ann", true),
        ("/people/ann", false),
    ] {
        let line = format!("ann:x:1001:1001::{home}:/bin/sh");
        let tree = with_account(image(), &line, "!").dir(home, 0o755, 1001, 1001);
        let plan = planned(&tree, &["6.2.6"]);
        assert_eq!(changed(&plan).contains(&home.to_owned()), closes, "{home}");
        let told = tree
            .file("/etc/default/useradd", format!("HOME={}\n", &home[..home.rfind('/').unwrap()]));
        assert!(changed(&planned(&told, &["6.2.6"])).contains(&home.to_owned()), "{home}");
    }
}

#[test]
fn mail_and_members_are_named() {
    let mail = append(
        image().file("/etc/postfix/main.cf", "inet_interfaces = all\n"),
        "/var/lib/dpkg/status",
        "\nPackage: postfix\nStatus: install ok installed\nVersion: 3.3.0-1",
    );
    let plan = planned(&mail, &["2.1.15"]);
    assert_eq!(changed(&plan), ["/etc/postfix/main.cf"]);
    assert!(
        said(&plan)[0].starts_with("mail from other hosts no longer comes in: postfix"),
        "{:?}",
        said(&plan)
    );
    let member = image()
        .file("/etc/group", "shadow:x:42:bob\nbob:x:1000:\n")
        .file("/etc/systemd/system/a.service", "[Service]\nUser=bob\n");
    let plan = planned(&member, &["6.2.17"]);
    assert_eq!(changed(&plan), ["/etc/group"]);
    let said = said(&plan);
    assert!(
        said[0]
            .contains("bob, which /etc/systemd/system/a.service:2 uses, leaves the group shadow"),
        "{said:?}"
    );
}

#[test]
fn programs_and_filesystems_in_use_are_kept() {
    let tmp = image()
        .file(
            "/etc/fstab",
            "tmpfs /tmp tmpfs nosuid,nodev 0 0\n/dev/sdb1 /mnt/mac hfsplus defaults 0 0\n",
        )
        .file("/etc/cron.d/x", "5 3 * * * root /tmp/job\n")
        .special("/x", FileKind::Fifo);
    let plan = planned(&tmp, &["1.1.5"]);
    assert!(changed(&plan).is_empty(), "{:?}", changed(&plan));
    assert!(reasons(&plan)[0].contains("can no longer start /tmp/job"), "{:?}", reasons(&plan));
    let plan = planned(&tmp, &["1.1.1.5"]);
    assert!(changed(&plan).is_empty(), "{:?}", changed(&plan));
    assert!(reasons(&plan)[0].contains("/mnt/mac"), "{:?}", reasons(&plan));
    assert!(!changed(&planned(&tmp, &["1.1.1.4"])).is_empty(), "hfs alone is not in use");
}

#[test]
fn the_worst_comes_first() {
    use Effect::*;
    let order =
        [LastAdmin, SshLogin, EmptyPassword, Superuser, PasswordChange, ServiceAccount, NotKnown];
    assert!(order.is_sorted());
}
