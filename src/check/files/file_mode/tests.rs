use super::*;
use crate::check::testing::{
    Run, changed_entries, parse, path, settle_entries, settled, stage, stuck,
};
use crate::check::{Fix, Outcome};
use crate::rootfs::MemoryRootfs;

const KEY: &str = "-----BEGIN RSA PRIVATE KEY-----\nsecret\n";

fn want(value: &str) -> FileMode {
    parse(value).unwrap()
}

fn crontab() -> FileMode {
    want("{ path = '/etc/crontab', ceiling = '0600' }")
}

fn shadow() -> FileMode {
    want(
        "{ path = '/etc/shadow', ceiling = '0640', group = ['shadow', 'root'], \
         missing = 'not-met' }",
    )
}

fn gaps(want: &FileMode, root: &MemoryRootfs) -> Vec<Gap> {
    match want.audit(root).unwrap() {
        Finding::NotMet { gaps, .. } => gaps,
        other => panic!("{other:?}"),
    }
}

#[test]
fn bits_are_only_taken_away() {
    let table = [
        (0o644, 0, 0, Some("0600 0:0")),
        (0o600, 0, 0, None),
        (0o400, 0, 0, None),
        (0o000, 0, 0, None),
        (0o4755, 0, 0, Some("0600 0:0")),
        (0o2600, 0, 0, Some("0600 0:0")),
        (0o1600, 0, 0, Some("0600 0:0")),
        (0o440, 0, 0, Some("0400 0:0")),
        (0o600, 5, 0, Some("0600 0:0")),
        (0o600, 0, 42, Some("0600 0:0")),
        (0o000, 1000, 1000, Some("0000 0:0")),
    ];
    for (mode, uid, gid, after) in table {
        let root = MemoryRootfs::new().file_with("/etc/crontab", "x", mode, uid, gid);
        let after: Vec<String> = after.iter().map(|a| format!("/etc/crontab: {a}")).collect();
        assert_eq!(settle_entries(&crontab(), &root), after, "{mode:04o} {uid}:{gid}");
    }
}

#[test]
fn the_first_group_that_the_image_knows_is_given() {
    let named = MemoryRootfs::new().file("/etc/group", "root:x:0:\nshadow:x:77:\n");
    let with = |root: &MemoryRootfs, gid| root.clone().file_with("/etc/shadow", "", 0o640, 0, gid);
    for right in [0, 77] {
        assert!(settle_entries(&shadow(), &with(&named, right)).is_empty(), "both are right");
    }
    assert_eq!(settle_entries(&shadow(), &with(&named, 42)), ["/etc/shadow: 0640 0:77"]);
    let bare = MemoryRootfs::new();
    assert_eq!(settle_entries(&shadow(), &with(&bare, 42)), ["/etc/shadow: 0640 0:0"]);
    let tighter = named.clone().file_with("/etc/shadow", "", 0o000, 0, 77);
    assert!(settle_entries(&shadow(), &tighter).is_empty());

    let only = want("{ path = '/etc/shadow', ceiling = '0640', group = ['shadow'] }");
    let gaps = gaps(&only, &with(&bare, 42));
    assert!(matches!(&gaps[0].fix, Fix::None(r) if r.to_string().contains("none of the wanted")));
    assert!(gaps[0].evidence.want.as_ref().unwrap().to_string().contains("unknown in the image"));
}

#[test]
fn facts_are_shown_with_names() {
    let root = MemoryRootfs::new().file("/etc/passwd", "cron:x:9:9::/:/bin/sh\n").file_with(
        "/etc/crontab",
        "",
        0o4664,
        9,
        12,
    );
    let gaps = gaps(&crontab(), &root);
    let evidence = &gaps[0].evidence;
    assert_eq!(
        evidence.found.as_ref().map(ToString::to_string).as_deref(),
        Some("mode 4664, owner cron(9), group 12")
    );
    let want = "mode 0600 or tighter, owner root, group root";
    assert_eq!(evidence.want.as_ref().map(ToString::to_string).as_deref(), Some(want));
}

#[test]
fn missing_things_are_vacuous_or_a_broken_image() {
    let empty = MemoryRootfs::new();
    assert_eq!(crontab().audit(&empty).unwrap().outcome(), Outcome::MetVacuously);
    let gaps = gaps(&shadow(), &empty);
    assert!(matches!(&gaps[0].fix, Fix::None(r) if r.to_string().contains("never created")));
    let below_a_file = MemoryRootfs::new().file("/etc", "");
    assert_eq!(crontab().audit(&below_a_file).unwrap().outcome(), Outcome::MetVacuously);
}

#[test]
fn only_the_real_thing_counts() {
    let dir = want("{ path = '/etc/crontab', ceiling = '0700', kind = 'dir' }");
    let base = MemoryRootfs::new().file_with("/etc/real", "", 0o644, 0, 0);
    let cases = [
        (crontab(), base.clone().link("/etc/crontab", "real")),
        (crontab(), base.clone().link("/etc/crontab", "crontab")),
        (crontab(), base.clone().link("/etc/crontab", "nowhere")),
        (crontab(), base.clone().dir("/etc/crontab", 0o700, 0, 0)),
        (crontab(), base.clone().special("/etc/crontab", FileKind::Fifo)),
        (dir.clone(), base.clone().file("/etc/crontab", "")),
        (dir.clone(), base.clone().link("/etc/crontab", "/etc")),
    ];
    for (want, root) in cases {
        assert!(gaps(&want, &root).iter().all(|g| matches!(g.fix, Fix::None(_))), "{root:?}");
        assert!(changed_entries(&stage(&want, &root)).is_empty());
    }
    let root = base.dir("/etc/crontab", 0o2755, 0, 0);
    assert_eq!(settle_entries(&dir, &root), ["/etc/crontab: 0700 0:0"]);
}

#[test]
fn a_dangling_link_may_be_a_person_s_business() {
    let motd = want("{ path = '/etc/motd', ceiling = '0644', dangling = 'manual' }");
    let of = |root: &MemoryRootfs| motd.audit(root).unwrap().outcome();
    let base = MemoryRootfs::new().file("/run/motd", "").file("/etc/real", "");
    assert_eq!(of(&base.clone().link("/etc/motd", "nowhere")), Outcome::Manual);
    let boot = base.clone().link("/etc/motd", "/run/motd");
    assert_eq!(of(&boot), Outcome::Manual, "made at boot");
    assert_eq!(of(&boot.live()), Outcome::NotMet);
    assert_eq!(of(&base.clone().link("/etc/motd", "real")), Outcome::NotMet);
    assert_eq!(of(&base), Outcome::MetVacuously);
    assert!(motd.audit(&base.link("/etc/motd", "motd")).is_err());
}

#[test]
fn links_on_the_way_are_followed_inside_etc_only() {
    let want = want("{ path = '/etc/cron.d/x', ceiling = '0600' }");
    let inside = MemoryRootfs::new().file("/etc/real.d/x", "").link("/etc/cron.d", "real.d");
    assert_eq!(settle_entries(&want, &inside), ["/etc/real.d/x: 0600 0:0"]);
    let out = MemoryRootfs::new().file("/usr/etc/x", "").link("/etc/cron.d", "/usr/etc");
    assert!(
        matches!(&gaps(&want, &out)[0].fix, Fix::None(r) if r.to_string().contains("outside of /etc"))
    );
    let loops = MemoryRootfs::new().link("/etc/cron.d", "cron.d");
    assert!(want.audit(&loops).is_err());
}

#[test]
fn patterns_take_every_entry_that_fits() {
    let keys = want("{ path = '/etc/ssh/ssh_host_*_key', ceiling = '0600' }");
    let root = MemoryRootfs::new()
        .file_with("/etc/ssh/ssh_host_rsa_key", "", 0o640, 0, 0)
        .file_with("/etc/ssh/ssh_host_ed25519_key", "", 0o600, 0, 0)
        .file_with("/etc/ssh/ssh_host_rsa_key.pub", "", 0o666, 0, 0)
        .file_with("/etc/ssh/my_ssh_host_rsa_key", "", 0o666, 0, 0);
    assert_eq!(settle_entries(&keys, &root), ["/etc/ssh/ssh_host_rsa_key: 0600 0:0"]);
    let linked = root.clone().link("/etc/ssh/ssh_host_dsa_key", "/srv/key");
    assert_eq!(gaps(&keys, &linked).len(), 2);
    for none in [MemoryRootfs::new(), MemoryRootfs::new().file("/etc/ssh", "")] {
        assert_eq!(keys.audit(&none).unwrap().outcome(), Outcome::MetVacuously);
    }
    let all = want("{ path = '/etc/ssh/*', ceiling = '0600' }");
    let hidden = MemoryRootfs::new().file("/etc/ssh/.x", "");
    assert_eq!(all.audit(&hidden).unwrap().outcome(), Outcome::MetVacuously);
}

#[test]
fn host_keys_of_the_configuration_count_too() {
    let keys =
        want("{ path = '/etc/ssh/ssh_host_*_key', ceiling = '0600', also_host_keys = true }");
    let config = "#HostKey /etc/a\nhostkey /etc/k1 # x\nHostKey=\"/etc/k 2\"\nHostKeyX /etc/b\n\
                  HostKey /etc/k.pub\nHostKey relative\nHostKey\nHostKey /etc/none\n\
                  HostKey /etc/ssh/ssh_host_rsa_key\n";
    let root = MemoryRootfs::new()
        .file("/etc/ssh/sshd_config", config)
        .file("/etc/ssh/ssh_host_rsa_key", "")
        .file("/etc/k1", "-----BEGIN PRIVATE KEY-----\r\nx")
        .file("/etc/k 2", "-----BEGIN OPENSSH PRIVATE KEY-----\n")
        .file("/etc/k.pub", KEY)
        .file("/etc/a", KEY)
        .file("/etc/b", KEY);
    let want = ["/etc/k 2", "/etc/k1", "/etc/ssh/ssh_host_rsa_key"];
    assert_eq!(settle_entries(&keys, &root), want.map(|p| format!("{p}: 0600 0:0")));
    let looped = MemoryRootfs::new().link("/etc/ssh/sshd_config", "sshd_config");
    assert!(keys.audit(&looped).is_err(), "could not tell");
    let foreign = MemoryRootfs::new()
        .file("/etc/ssh/sshd_config", b"# \xff\nHostKey /etc/k\xe9\n")
        .file(&crate::text::lossless::decode(b"/etc/k\xe9"), KEY);
    assert_eq!(settle_entries(&keys, &foreign), ["/etc/k\\xe9: 0600 0:0"]);
}

#[test]
fn what_a_configuration_calls_a_host_key_is_changed_only_if_it_is_one() {
    let keys =
        want("{ path = '/etc/ssh/ssh_host_*_key', ceiling = '0600', also_host_keys = true }");
    let naming =
        |path: &str| MemoryRootfs::new().file("/etc/ssh/sshd_config", format!("HostKey {path}\n"));
    let key = |mode| naming("/etc/key").file_with("/etc/key", KEY, mode, 0, 0);
    assert_eq!(settle_entries(&keys, &key(0o644)), ["/etc/key: 0600 0:0"]);
    let cases = [
        (naming("/bin/bash").file_with("/bin/bash", KEY, 0o755, 0, 0), "not below /etc"),
        (naming("/srv/key").file("/srv/key", KEY), "not below /etc"),
        (naming("/etc/passwd").file("/etc/passwd", "root:x:0:0::/:\n"), "does not begin as"),
        (naming("/etc/key").file("/etc/key", ""), "does not begin as"),
        (naming("/etc/key").file("/etc/key", format!("\n{KEY}")), "does not begin as"),
        (naming("/etc/key").file("/etc/key", format!("# {KEY}")), "does not begin as"),
        (naming("/etc/key").file("/etc/key", "-----BEGIN PUBLIC KEY-----\n"), "does not begin as"),
        (
            naming("/etc/key").file("/etc/key", "-----BEGIN secret PRIVATE KEY-----\n"),
            "does not begin as",
        ),
        (naming("/etc/key").file("/etc/key", KEY.repeat(4_000)), "larger than any key"),
        (key(0o645), "a program"),
        (key(0o4600), "a program"),
        (key(0o2640), "a program"),
        (key(0o644).restat("/etc/key", |s| s.links = 2), "another name"),
        (naming("/etc/d/key").file("/srv/key", KEY).link("/etc/d", "/srv"), "outside of /etc"),
        (naming("/d/key").file("/etc/key", KEY).link("/d", "/etc"), "outside of /d"),
        (naming("/etc/key").link("/etc/key", "passwd").file("/etc/passwd", ""), "not followed"),
        (naming("/etc/ssh").file("/etc/ssh/x", KEY), "not followed"),
    ];
    for (root, why) in cases {
        let left = gaps(&keys, &root);
        assert_eq!(left.len(), 1, "{left:?}");
        let Fix::None(reason) = &left[0].fix else { panic!("{left:?}") };
        assert!(reason.to_string().contains(why), "want {why} in {reason}");
        assert!(!format!("{left:?}").contains("secret"), "the content is shown: {left:?}");
        assert!(changed_entries(&stage(&keys, &root)).is_empty());
    }
    // What the rule itself names stays the rule's, also where the configuration names it.
    let both = naming("/etc/ssh/ssh_host_rsa_key").file("/etc/ssh/ssh_host_rsa_key", "");
    let both = both.restat("/etc/ssh/ssh_host_rsa_key", |s| s.links = 2);
    assert_eq!(settle_entries(&keys, &both), ["/etc/ssh/ssh_host_rsa_key: 0600 0:0"]);
    let closed = naming("/srv/key").file_with("/srv/key", KEY, 0o600, 0, 0);
    assert_eq!(keys.audit(&closed).unwrap().outcome(), Outcome::Met);
}

#[test]
fn account_files_are_not_needed_for_root() {
    let odd = MemoryRootfs::new()
        .dir("/etc/group", 0o755, 0, 0)
        .file_with("/etc/crontab", "", 0o600, 0, 0)
        .file_with("/etc/shadow", "", 0o600, 0, 0);
    assert_eq!(crontab().audit(&odd).unwrap().outcome(), Outcome::Met);
    assert!(shadow().audit(&odd).is_err());
}

#[test]
fn hard_links_are_mentioned() {
    let root = MemoryRootfs::new();
    let audit = Audit::from(&root);
    let want = crontab();
    let ids = Ids::read(&root, &want.owner, &want.group).unwrap();
    let stat = Stat { links: 3, ..Stat::file(0o600) };
    let evidence =
        want.judge(&audit, (&path("/etc/crontab"), Named::ByTheRule), stat, &ids).unwrap().unwrap();
    assert!(evidence.note.unwrap().to_string().contains("3 names"));
    let dir = Stat { links: 3, ..Stat::dir(0o600) };
    let want = super::tests::want("{ path = '/etc/d', ceiling = '0700', kind = 'dir' }");
    let evidence =
        want.judge(&audit, (&path("/etc/d"), Named::ByTheRule), dir, &ids).unwrap().unwrap();
    assert_eq!(evidence.note, None);
}

#[test]
fn what_an_acl_grants_beyond_the_ceiling_counts_and_goes() {
    use crate::rootfs::Named::{Group, User};
    use crate::rootfs::acl::testing::acl;
    let tree = |mode, group, named| {
        let users = "root:x:0:0::/:/bin/sh\ndaemon:x:1:1::/:/bin/sh\n";
        let root = MemoryRootfs::new()
            .file("/etc/passwd", users)
            .file("/etc/group", "root:x:0:\nshadow:x:42:\n")
            .file_with("/etc/shadow", "", mode, 0, 42);
        root.with_acl("/etc/shadow", acl(mode, group, named))
    };
    for open in [tree(0o640, 4, &[(User(1), 4)]), tree(0o640, 4, &[(Group(7), 4)])] {
        let shown = format!("{:?}", shadow().audit(&open).unwrap());
        assert!(shown.contains("with_acl"), "{shown}");
        assert_eq!(changed_entries(&settled(&shadow(), &open)), ["/etc/shadow: 0640 0:42"]);
    }
    // The mode's group part was the mask: the group itself had nothing.
    let mask_only = tree(0o640, 0, &[(User(1), 4)]);
    assert_eq!(changed_entries(&settled(&shadow(), &mask_only)), ["/etc/shadow: 0600 0:42"]);
    let closed = tree(0o640, 4, &[(User(1), 0), (User(0), 4), (Group(42), 4)]);
    assert_eq!(shadow().audit(&closed).unwrap().outcome(), Outcome::Met);
    // Who owns it now is not asked; who does not own it any more is.
    let given = tree(0o640, 4, &[(User(1), 4)]).restat("/etc/shadow", |s| s.uid = 1);
    let staged = settled(&shadow(), &given);
    assert_eq!(staged.acl(&path("/etc/shadow")).unwrap(), None);
}

#[test]
fn an_excluded_file_stays_and_the_others_of_the_pattern_are_closed() {
    let keys = want("{ path = '/etc/ssh/ssh_host_*_key', ceiling = '0600' }");
    let scene = MemoryRootfs::new()
        .file_with("/etc/ssh/ssh_host_rsa_key", "", 0o640, 0, 0)
        .file_with("/etc/ssh/ssh_host_dsa_key", "", 0o640, 0, 0);
    let subject = Subject::path(&path("/etc/ssh/ssh_host_rsa_key"));
    let scene = scene.excluding(subject.clone());
    let staged = stage(&keys, &scene);
    assert_eq!(changed_entries(&staged), ["/etc/ssh/ssh_host_dsa_key: 0600 0:0"]);
    let audit = Audit::from(&scene).on(&staged);
    assert!(stuck(&keys, audit).contains("ssh_host_rsa_key is protected"));
    assert_eq!(crate::check::testing::gaps(&keys, audit)[0].subject, subject);
}

#[test]
fn mistakes_in_a_profile_are_named() {
    for (value, want) in [
        ("{ path = '/a', ceiling = '0688' }", "`0688` is not a mode"),
        ("{ path = '/a*/b', ceiling = '0600' }", "in the last component only"),
        ("{ path = '/a/[bc]', ceiling = '0600' }", "no pattern but"),
        ("{ path = '/', ceiling = '0600' }", "last component"),
        ("{ path = '/a', ceiling = '0600', kind = 'link' }", "unknown variant `link`"),
        ("{ path = '/a', ceiling = '0600', group = [] }", "`group`: is empty"),
        ("{ path = '/a', ceiling = '0600', gruop = [] }", "unknown field `gruop`"),
        ("{ path = '/a' }", "missing field `ceiling`"),
    ] {
        let message = parse::<FileMode>(value).unwrap_err();
        assert!(message.contains(want), "want {want} in {message}");
    }
}
