use super::*;
use crate::check::testing::Run;
use crate::check::testing::{
    changed_by_path, gaps, outcome, parse_fields, settled, stage_on, stuck,
};
use crate::check::{Fix, Outcome};
use crate::rootfs::{FileKind, MemoryRootfs, StagedRootfs};

const OWN: &str = "/etc/modprobe.d/CIS.conf";

fn hfs() -> KernelModule {
    module("hfs")
}

fn module(name: &str) -> KernelModule {
    KernelModule { name: name.into(), file: ImagePath::parse(OWN).unwrap() }
}

fn root(files: &[(&str, &str)]) -> MemoryRootfs {
    let empty = MemoryRootfs::new().dir("/etc", 0o755, 0, 0);
    files.iter().fold(empty, |root, (path, text)| root.file(path, text))
}

fn kmod(version: &str) -> String {
    format!("Package: kmod\nStatus: install ok installed\nVersion: {version}\n")
}

const DEP: (&str, &str) = ("/lib/modules/5.4/modules.dep", "kernel/fs/hfs/hfs.ko:\n");
const BOTH: &str = "install hfs /bin/true\nblacklist hfs\n";

#[test]
fn what_is_met() {
    for (why, files) in [
        ("right value", vec![(OWN, BOTH)]),
        ("no blacklist, false", vec![(OWN, "install hfs /bin/false\n")]),
        ("other paths", vec![(OWN, "install hfs /usr/bin/true")]),
        ("another file", vec![("/etc/modprobe.d/z.conf", "install hfs /bin/true\n")]),
        ("the vendor's", vec![("/lib/modprobe.d/z.conf", "install hfs /bin/true\n")]),
        ("alias file", vec![("/etc/modprobe.d/z.alias", "install hfs /bin/true\n")]),
        ("odd spacing", vec![(OWN, "  install\thfs   /bin/true \n")]),
        ("joined", vec![(OWN, "install hfs \\\n /bin/true\n")]),
        ("duplicate", vec![(OWN, "install hfs /bin/true\ninstall hfs /bin/true\n")]),
        ("first wins", vec![(OWN, "install hfs /bin/true\ninstall hfs /sbin/x\n")]),
        ("contrary later", vec![(OWN, BOTH), ("/etc/modprobe.d/x.conf", "install hfs /sbin/x\n")]),
        ("pattern, on disk", vec![(OWN, "install hfs* /bin/true\n"), DEP]),
        ("not a name", vec![(OWN, BOTH), ("/etc/modprobe.d/0.conf.bak", "install hfs x\n")]),
        ("a dot file", vec![(OWN, BOTH), ("/etc/modprobe.d/.0.conf", "install hfs x\n")]),
        (
            "hidden vendor file",
            vec![
                (OWN, BOTH),
                ("/etc/modprobe.d/0.conf", ""),
                ("/lib/modprobe.d/0.conf", "install hfs x\n"),
            ],
        ),
        (
            "a directory that kmod 24 does not read",
            vec![(OWN, BOTH), ("/usr/lib/modprobe.d/0.conf", "install hfs x\n")],
        ),
        ("pattern, not on disk", vec![(OWN, BOTH), ("/etc/modprobe.d/0.conf", "install h* x\n")]),
    ] {
        let root = root(&files);
        let finding = hfs().audit(&root).unwrap();
        let Finding::Met(evidence) = &finding else { panic!("{why}: {finding:?}") };
        assert!(evidence[0].path.is_some() && evidence[0].found.is_some(), "{why}");
        assert!(changed_by_path(&settled(&hfs(), &root)).is_empty(), "{why}");
    }
}

#[test]
fn what_is_closed_in_our_file() {
    for (why, text, want) in [
        ("absent", None, BOTH),
        ("empty", Some(""), BOTH),
        (
            "comment only",
            Some("#install hfs /bin/true"),
            "#install hfs /bin/true\n\ninstall hfs /bin/true\nblacklist hfs\n",
        ),
        (
            "swallowed by a comment",
            Some("# x \\\ninstall hfs /bin/true\n"),
            "# x \\\ninstall hfs /bin/true\n\ninstall hfs /bin/true\nblacklist hfs\n",
        ),
        ("blacklist alone", Some("blacklist hfs\n"), BOTH),
        (
            "a name it begins",
            Some("install hfsplus /bin/true\n"),
            "install hfs /bin/true\nblacklist hfs\ninstall hfsplus /bin/true\n",
        ),
        ("wrong value", Some("install hfs /sbin/hfs\n"), BOTH),
        ("trailing text", Some("install hfs /bin/true # AKS\n"), BOTH),
        (
            "conflicting",
            Some("install hfs x\ninstall hfs /bin/true\n"),
            "install hfs /bin/true\ninstall hfs /bin/true\nblacklist hfs\n",
        ),
        (
            "other case",
            Some("INSTALL hfs /bin/true\n"),
            "INSTALL hfs /bin/true\n\ninstall hfs /bin/true\nblacklist hfs\n",
        ),
        (
            "no final newline",
            Some("install cramfs /bin/true"),
            "install cramfs /bin/true\ninstall hfs /bin/true\nblacklist hfs\n",
        ),
        ("carriage return", Some("install hfs /bin/true\r\n"), BOTH),
        (
            "open last line",
            Some("alias a b \\\n"),
            "alias a b \\\n\n\ninstall hfs /bin/true\nblacklist hfs\n",
        ),
        (
            "pattern, not on disk",
            Some("install hfs* /bin/true\n"),
            "install hfs* /bin/true\n\ninstall hfs /bin/true\nblacklist hfs\n",
        ),
    ] {
        let root = text.map_or(root(&[]), |text| root(&[(OWN, text)]));
        let staged = settled(&hfs(), &root);
        assert_eq!(changed_by_path(&staged).get(OWN).map(String::as_str), Some(want), "{why}");
        assert_eq!(changed_by_path(&staged).len(), 1, "{why}");
    }
}

#[test]
fn a_new_file_is_readable_by_all() {
    let root = root(&[]);
    let staged = settled(&hfs(), &root);
    let stat = staged.stat(&ImagePath::parse(OWN).unwrap()).unwrap().unwrap();
    assert_eq!((stat.mode, stat.uid, stat.gid), (0o644, 0, 0));
}

#[test]
fn dashes_and_underscores_are_one() {
    let usb = module("usb-storage");
    for text in ["install usb_storage /bin/true\n", "install usb-storage /bin/true\n"] {
        assert_eq!(outcome(&usb, &root(&[(OWN, text)])), Outcome::Met, "{text}");
    }
    let root = root(&[]);
    let staged = settled(&usb, &root);
    assert_eq!(
        changed_by_path(&staged)[OWN],
        "install usb-storage /bin/true\nblacklist usb-storage\n"
    );
}

#[test]
fn an_earlier_line_in_etc_is_switched_off() {
    let early = "/etc/modprobe.d/10-x.conf";
    let root = root(&[(early, "# a\ninstall hfs /sbin/x\ninstall b y"), (OWN, BOTH)]);
    let staged = settled(&hfs(), &root);
    let changes = changed_by_path(&staged);
    assert_eq!(changes[early], "# a\n# gokaku: install hfs /sbin/x\ninstall b y");
    assert_eq!(changes.len(), 1);
}

#[test]
fn an_earlier_pattern_is_preceded() {
    let early = "/etc/modprobe.d/10-x.conf";
    let root = root(&[(early, "install h* /sbin/x\n"), DEP]);
    let changes = changed_by_path(&settled(&hfs(), &root));
    assert_eq!(changes[early], "install hfs /bin/true\ninstall h* /sbin/x\n");
}

#[test]
fn an_earlier_line_of_the_vendor_is_masked() {
    let text = "alias a b\ninstall hfs /sbin/x\n";
    let root = root(&[("/lib/modprobe.d/10-x.conf", text)]);
    let changes = changed_by_path(&settled(&hfs(), &root));
    let masked = "alias a b\n# gokaku: install hfs /sbin/x\n";
    assert_eq!(changes["/etc/modprobe.d/10-x.conf"], masked);
    assert_eq!(changes[OWN], BOTH);
    assert_eq!(changes.len(), 2);
}

#[test]
fn what_our_file_would_hide_is_kept() {
    let root = root(&[("/lib/modprobe.d/CIS.conf", "install cramfs /bin/true\n")]);
    let changes = changed_by_path(&settled(&hfs(), &root));
    assert_eq!(changes[OWN], format!("install cramfs /bin/true\n{BOTH}"));
}

#[test]
fn the_trees_kmod_and_that_of_18_04_must_agree() {
    let status = "/var/lib/dpkg/status";
    let local = "/usr/local/lib/modprobe.d/0.conf";
    let usr = "/usr/lib/modprobe.d/0.conf";
    for (version, path, want) in [
        ("24-1ubuntu3", local, Outcome::Met),
        ("28-1", local, Outcome::Met),
        ("30+20221128-1", local, Outcome::NotMet),
        ("30+20221128-1", usr, Outcome::Met),
        ("34.2-2", usr, Outcome::NotMet),
    ] {
        let root = root(&[(status, &kmod(version)), (path, "install hfs x\n"), (OWN, BOTH)]);
        assert_eq!(outcome(&hfs(), &root), want, "{version} {path}");
        settled(&hfs(), &root);
    }
    // Only the newer one reads the blocking line: 18.04's does not.
    let files = [(status, &*kmod("34")), (usr, "install hfs /bin/true\n")];
    assert_eq!(outcome(&hfs(), &root(&files)), Outcome::NotMet);
    settled(&hfs(), &root(&files));
}

#[test]
fn a_built_in_module_has_no_remedy() {
    let builtin = "/lib/modules/5.4/modules.builtin";
    let root = root(&[(builtin, "kernel/fs/x.ko\nkernel/fs/hfs/hfs.ko\n"), (OWN, BOTH)]);
    let gaps = gaps(&hfs(), &root);
    assert_eq!(gaps.len(), 1);
    assert_eq!(gaps[0].evidence.line, Some(2));
    assert!(
        matches!(&gaps[0].fix, Fix::None(why) if why.to_string().contains("part of the kernel"))
    );
    assert_eq!(outcome(&module("fs"), &root), Outcome::NotMet, "a part of the name is no name");
    assert_eq!(crate::check::testing::gaps(&module("fs"), &root).len(), 1);
}

#[test]
fn an_excluded_module_stays_and_another_is_blocked() {
    let early = "/etc/modprobe.d/10-x.conf";
    let lines = "install usb_storage /sbin/x\ninstall hfs /sbin/y\n";
    let subject = Subject::new(SubjectKind::Module, "usb_storage");
    let scene = root(&[(early, lines)]).excluding(subject.clone());
    let usb = module("usb-storage");
    let left = gaps(&usb, &scene);
    assert!(left.len() == 2 && left.iter().all(|gap| gap.subject == subject), "{left:?}");
    assert!(stuck(&usb, &scene).contains("usb_storage is protected"));
    let changes = changed_by_path(&settled(&hfs(), &scene));
    assert_eq!(changes[early], "install usb_storage /sbin/x\n# gokaku: install hfs /sbin/y\n");
    assert_eq!(changes[OWN], BOTH);
}

#[test]
fn lists_of_modules() {
    for (text, want) in [
        ("kernel/drivers/usb/storage/usb-storage.ko.zst: a.ko\n", true),
        ("kernel/usb_storage.ko:\n", true),
        ("usb-storage.ko", true),
        ("kernel/uas.ko: kernel/usb-storage.ko\n", false),
        ("kernel/usb-storage.kot:\nkernel/xusb-storage.ko:\n", false),
        ("", false),
    ] {
        let list = "/lib/modules/5.4/modules.dep";
        let root = root(&[(list, text)]);
        let kernels = Kernels::of(&root, "usb_storage").unwrap();
        assert_eq!((kernels.on_disk, kernels.absent), (want, !want), "{text:?}");
    }
    let two = [DEP, ("/lib/modules/4.15/modules.dep", "")];
    let kernels = Kernels::of(&root(&two), "hfs").unwrap();
    assert!(kernels.on_disk && kernels.absent, "one kernel has it, one has not");
}

#[test]
fn links() {
    let null = root(&[("/lib/modprobe.d/0.conf", "install hfs x\n"), (OWN, BOTH)])
        .link("/etc/modprobe.d/0.conf", "/dev/null");
    assert_eq!(outcome(&hfs(), &null), Outcome::Met, "a null link hides");
    let inside = root(&[("/etc/cis/modules", "install a b\n")]).link(OWN, "../cis/modules");
    let changes = changed_by_path(&settled(&hfs(), &inside));
    assert_eq!(changes["/etc/cis/modules"], format!("install a b\n{BOTH}"));
    assert_eq!(changes.len(), 1);
    for outside in [
        root(&[("/usr/share/x", "")]).link(OWN, "/usr/share/x"),
        root(&[]).link(OWN, "/dev/null"),
        root(&[]).link("/etc/modprobe.d", "/usr/share"),
        root(&[]).dir(OWN, 0o755, 0, 0),
        root(&[("/usr/x", "install hfs y\n"), (OWN, BOTH)])
            .link("/etc/modprobe.d/0.conf", "/usr/x"),
    ] {
        let gaps = gaps(&hfs(), &outside);
        assert_eq!(gaps.len(), 1, "{gaps:?}");
        assert!(matches!(gaps[0].fix, Fix::None(_)), "{gaps:?}");
    }
    let looped = root(&[]).link(OWN, "CIS.conf");
    assert_eq!(outcome(&hfs(), &looped), Outcome::Unknown);
}

#[test]
fn what_cannot_be_judged() {
    let fifo = root(&[]).special("/etc/modprobe.d/0.conf", FileKind::Fifo);
    assert_eq!(outcome(&hfs(), &fifo), Outcome::Unknown);
    let with = |line: &[u8]| root(&[(OWN, BOTH)]).file("/etc/modprobe.d/0.conf", line);
    assert_eq!(outcome(&hfs(), &with(b"install hfs /bin/true \xff\n")), Outcome::Unknown);
    for elsewhere in [&b"# \xff\n"[..], b"\xff\n", b"install udf \xff\n", b"options hfs a=\xff\n"] {
        assert_eq!(outcome(&hfs(), &with(elsewhere)), Outcome::Met, "{elsewhere:?}");
    }
}

#[test]
fn run_counts_on_a_running_system_only() {
    let files = [("/run/modprobe.d/0.conf", "install hfs x\n"), (OWN, BOTH)];
    assert_eq!(outcome(&hfs(), &root(&files)), Outcome::Met);
    let live = gaps(&hfs(), &root(&files).live());
    assert!(matches!(live[0].fix, Fix::None(_)), "{live:?}");
    // What /run says is gone at the next boot.
    let files = [("/run/modprobe.d/0.conf", "install hfs /bin/true\n")];
    assert_eq!(outcome(&hfs(), &root(&files).live()), Outcome::NotMet);
    let live = root(&files).live();
    let staged = settled(&hfs(), &live);
    assert_eq!(changed_by_path(&staged)[OWN], BOTH);
}

#[test]
fn the_order_of_rules_does_not_matter() {
    let text = "# AKS\ninstall dccp /bin/true\ninstall cramfs /bin/true\n";
    let root = root(&[(OWN, text), ("/lib/modprobe.d/x.conf", "install hfs x\n")]);
    let names = ["cramfs", "freevxfs", "jffs2", "hfs", "hfsplus", "usb-storage"];
    let in_order = |names: &mut dyn Iterator<Item = &&str>| {
        let mut staged = StagedRootfs::new(&root);
        names.for_each(|name| stage_on(&module(name), &mut staged));
        for name in ["cramfs", "freevxfs", "jffs2", "hfs", "hfsplus", "usb-storage"] {
            assert_eq!(outcome(&module(name), &staged), Outcome::Met, "{name}");
        }
        changed_by_path(&staged)
    };
    let forward = in_order(&mut names.iter());
    assert_eq!(forward, in_order(&mut names.iter().rev()));
    assert_eq!(
        forward[OWN],
        format!(
            "{text}\ninstall freevxfs /bin/true\nblacklist freevxfs\n{BOTH}\
             install hfsplus /bin/true\nblacklist hfsplus\n\
             install jffs2 /bin/true\nblacklist jffs2\n\
             install usb-storage /bin/true\nblacklist usb-storage\n"
        )
    );
}

#[test]
fn only_a_name_is_a_name() {
    let parse =
        |name: &str| parse_fields::<KernelModule>(&format!("name = {name:?}\nfile = {OWN:?}"));
    assert!(parse("usb-storage").is_ok());
    for bad in ["", "a b", "hfs*", "a\nb", "#a"] {
        assert!(parse(bad).is_err(), "{bad:?}");
    }
    assert!(parse_fields::<KernelModule>(&format!("name = 'a'\nfile = {OWN:?}\nx = 1")).is_err());
}

#[test]
fn the_directories_of_the_profiles_release_count_too() {
    let line = [("/usr/lib/modprobe.d/x.conf", "install hfs /bin/true\n")];
    // kmod 24 does not read that directory, 31 does.
    assert_eq!(outcome(&hfs(), &root(&line)), Outcome::NotMet);
    assert_eq!(outcome(&hfs(), &root(&line).supposing("kmod", &[31])), Outcome::Met);
}
