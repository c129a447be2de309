//! Tests of `mount`.

use super::*;
use crate::check::testing::{self, Run, changed_entries, path, settle_entries, stage};
use crate::check::{Fix, Outcome};
use crate::rootfs::{FileKind, MemoryRootfs};

const UNIT: &str = "/etc/systemd/system/tmp.mount";
const DROP_INS: &str = "/etc/systemd/system/tmp.mount.d";
const VENDOR: &str = "/lib/systemd/system/tmp.mount";
const STOCK: &str =
    "[Mount]\nWhat=tmpfs\nWhere=/tmp\nType=tmpfs\nOptions=mode=1777,strictatime,nosuid,nodev\n";

fn parse(value: &str) -> std::result::Result<Mount, String> {
    let (fields, _) = value.rsplit_once('}').unwrap();
    let comma = if fields.trim_end().ends_with('{') { "" } else { "," };
    testing::parse(&format!("{fields}{comma} drop_in = '60-CIS.conf' }}"))
}

fn nosuid(target: &str) -> Mount {
    parse(&format!("{{ target = {target:?}, option = 'nosuid' }}")).unwrap()
}

fn noexec() -> Mount {
    noexec_on("/tmp")
}

fn noexec_on(target: &str) -> Mount {
    parse(&format!("{{ target = {target:?}, option = 'noexec' }}")).unwrap()
}

fn shm_line() -> Mount {
    parse("{ target = '/dev/shm', line = 'tmpfs /dev/shm tmpfs defaults,nodev,nosuid 0 0' }")
        .unwrap()
}

fn fstab(text: &str) -> MemoryRootfs {
    MemoryRootfs::new().file("/etc/fstab", text)
}

fn outcome(want: &Mount, root: &MemoryRootfs) -> Outcome {
    want.audit(root).unwrap().outcome()
}

/// Not met, without a remedy, for a reason that holds these words.
fn stuck(want: &Mount, root: &MemoryRootfs, words: &str) {
    let finding = want.audit(root).unwrap();
    let Finding::NotMet { gaps, .. } = finding else { panic!("{finding:?}") };
    let found =
        gaps.iter().any(|g| matches!(&g.fix, Fix::None(r) if r.to_string().contains(words)));
    assert!(found, "want {words:?} in {gaps:?}");
    assert!(changed_entries(&stage(want, root)).is_empty());
}

#[test]
fn what_is_not_declared_lacks_nothing() {
    let other = "# tmpfs /tmp tmpfs defaults 0 0\n\
        LABEL=root / ext4 defaults 0 0\n\
        tmpfs /var/tmp tmpfs defaults 0 0\n\
        tmpfs /tmpx tmpfs defaults 0 0\n\
        /tmp/x /mnt none bind\n\
        /swap /tmp swap sw 0 0\n\
        /swap none swap sw 0 0\n\
        /tmp\n";
    for root in [MemoryRootfs::new(), fstab(""), fstab(other)] {
        assert_eq!(outcome(&nosuid("/tmp"), &root), Outcome::MetVacuously);
        assert!(settle_entries(&nosuid("/tmp"), &root).is_empty());
    }
}

#[test]
fn a_line_gets_the_word_and_keeps_the_rest() {
    let table = [
        ("tmpfs /tmp tmpfs nosuid 0 0", None),
        ("tmpfs /tmp tmpfs suid,nosuid 0 0", None),
        ("tmpfs /tmp tmpfs defaults 0 0\n", Some("tmpfs /tmp tmpfs defaults,nosuid 0 0\n")),
        (
            "# top\r\nx\t/tmp/  ext4\tnodev,comment=cloudconfig\t0 2 # c\r\n",
            Some("# top\r\nx\t/tmp/  ext4\tnodev,comment=cloudconfig,nosuid\t0 2 # c\r\n"),
        ),
        ("tmpfs /tmp tmpfs nosuid,suid 0 0", Some("tmpfs /tmp tmpfs nosuid 0 0")),
        ("tmpfs /tmp tmpfs users 0 0", Some("tmpfs /tmp tmpfs users,nosuid 0 0")),
        ("tmpfs /tmp tmpfs NOSUID 0 0", Some("tmpfs /tmp tmpfs NOSUID,nosuid 0 0")),
        ("tmpfs /tmp tmpfs\n", Some("tmpfs /tmp tmpfs defaults,nosuid\n")),
        ("tmpfs /tmp\n", Some("tmpfs /tmp auto defaults,nosuid\n")),
        ("tmpfs //tmp/. tmpfs rw", Some("tmpfs //tmp/. tmpfs rw,nosuid")),
        (
            "a /tmp ext4 rw\nb / ext4 rw\nc /tmp ext4 nosuid\nd /tmp ext4 ro\n",
            Some("a /tmp ext4 rw,nosuid\nb / ext4 rw\nc /tmp ext4 nosuid\nd /tmp ext4 ro,nosuid\n"),
        ),
    ];
    for (before, after) in table {
        let want: Vec<String> = after.iter().map(|t| format!("/etc/fstab: {t}")).collect();
        assert_eq!(settle_entries(&nosuid("/tmp"), &fstab(before)), want, "{before:?}");
    }
}

#[test]
fn three_rules_about_one_line_agree() {
    let mut text = "tmpfs /var/tmp tmpfs exec,user 0 0\n".to_owned();
    for option in ["nodev", "nosuid", "noexec"] {
        let want = format!("{{ target = '/var/tmp', option = '{option}' }}");
        let changes = settle_entries(&parse(&want).unwrap(), &fstab(&text));
        text = changes[0].strip_prefix("/etc/fstab: ").unwrap().to_owned();
    }
    assert_eq!(text, "tmpfs /var/tmp tmpfs user,nodev,nosuid,noexec 0 0\n");
}

#[test]
fn evidence_names_line_options_and_what_only_seems_to_hold() {
    let finding = noexec().audit(&fstab("\ntmpfs /tmp tmpfs rw,user 0 0\n")).unwrap();
    let Finding::NotMet { gaps, .. } = finding else { panic!("{finding:?}") };
    let evidence = &gaps[0].evidence;
    assert_eq!(
        (evidence.line, evidence.found.as_ref().map(ToString::to_string).as_deref()),
        (Some(2), Some("rw,user"))
    );
    assert_eq!(
        evidence.note.as_ref().map(ToString::to_string).as_deref(),
        Some("only implied, by `user`")
    );
    let finding = noexec().audit(&fstab("tmpfs /tmp tmpfs rw 0 0\n")).unwrap();
    let Finding::NotMet { gaps, .. } = finding else { panic!("{finding:?}") };
    assert!(gaps[0].evidence.note.as_ref().unwrap().to_string().contains("next boot"));
}

#[test]
fn an_excluded_mount_keeps_its_options_and_another_gets_them() {
    let vendor = VENDOR.replace("tmp.mount", "var-tmp.mount");
    let unit = "[Mount]\nWhat=tmpfs\nOptions=rw\n";
    for root in [
        fstab("x /tmp ext4 rw\nx /home ext4 rw\n"),
        fstab("x /home ext4 rw\n").file(UNIT, unit),
        fstab("x /home ext4 rw\n").file(&vendor, unit),
    ] {
        let target = if root.stat(&path(&vendor)).unwrap().is_some() { "/var/tmp" } else { "/tmp" };
        let subject = Subject::new(SubjectKind::Mount, target);
        let scene = root.excluding(subject.clone());
        let want = nosuid(target);
        assert_eq!(testing::gaps(&want, &scene)[0].subject, subject);
        assert!(testing::stuck(&want, &scene).contains(&format!("{target} is protected")));
        let changes = settle_entries(&nosuid("/home"), &scene);
        assert!(changes[0].contains("x /home ext4 rw,nosuid"), "{changes:?}");
    }
    let scene = fstab("").excluding(Subject::new(SubjectKind::Mount, "/dev/shm"));
    assert!(testing::stuck(&shm_line(), &scene).contains("/dev/shm is protected"));
}

#[test]
fn bind_mounts_and_broken_options_are_reported_only() {
    let vartmp = nosuid("/var/tmp");
    stuck(&vartmp, &fstab("/tmp /var/tmp none bind 0 0\n"), "bind mount");
    stuck(&vartmp, &fstab("/tmp /var/tmp none rw,rbind 0 0\n"), "bind mount");
    let stated = fstab("/tmp /var/tmp none bind,nosuid 0 0\n");
    assert_eq!(outcome(&vartmp, &stated), Outcome::Manual);
    stuck(&vartmp, &fstab("a /var/tmp ext4 context=\"x,nosuid 0 0\n"), "quotation");
    // A line that can be corrected is corrected even beside one that cannot.
    let both = fstab("/tmp /var/tmp none bind 0 0\nx /var/tmp ext4 rw 0 0\n");
    let staged = stage(&vartmp, &both);
    let text = "/tmp /var/tmp none bind 0 0\nx /var/tmp ext4 rw,nosuid 0 0\n";
    assert_eq!(changed_entries(&staged), [format!("/etc/fstab: {text}")]);
}

#[test]
fn targets_are_what_links_lead_to() {
    let root = fstab("x /scratch ext4 rw 0 0\n").link("/scratch", "tmp").dir("/tmp", 0o1777, 0, 0);
    let after = "/etc/fstab: x /scratch ext4 rw,nosuid 0 0\n";
    assert_eq!(settle_entries(&nosuid("/tmp"), &root), [after]);
    let loops = fstab("x /loop/a ext4 rw 0 0\n").link("/loop", "loop");
    assert_eq!(outcome(&nosuid("/tmp"), &loops), Outcome::MetVacuously);
}

#[test]
fn fstab_itself_may_be_a_link_or_worse() {
    let line = "x /tmp ext4 rw\n";
    let inside = MemoryRootfs::new().file("/etc/t", line).link("/etc/fstab", "t");
    assert_eq!(settle_entries(&nosuid("/tmp"), &inside), ["/etc/t: x /tmp ext4 rw,nosuid\n"]);
    let out = MemoryRootfs::new().file("/usr/share/t", line).link("/etc/fstab", "/usr/share/t");
    stuck(&nosuid("/tmp"), &out, "outside of /etc");
    stuck(&shm_line(), &out, "outside of /etc");
    let dangling = MemoryRootfs::new().link("/etc/fstab", "nowhere");
    assert_eq!(outcome(&nosuid("/tmp"), &dangling), Outcome::MetVacuously);
    for odd in [
        MemoryRootfs::new().link("/etc/fstab", "fstab"),
        MemoryRootfs::new().special("/etc/fstab", FileKind::Fifo),
        MemoryRootfs::new().file("/etc/fstab", b"\xff /tmp x rw"),
    ] {
        assert!(nosuid("/tmp").audit(&odd).is_err(), "could not tell");
    }
    let elsewhere = b"# \xff\n\xff /home x rw\nx /tmp x nosuid 0 0 # \xff\nx /tmp\xff x rw\n";
    let root = MemoryRootfs::new().file("/etc/fstab", elsewhere);
    assert_eq!(outcome(&nosuid("/tmp"), &root), Outcome::Met);
}

#[test]
fn shared_memory_is_declared_in_an_existing_table() {
    let line = "tmpfs /dev/shm tmpfs defaults,nodev,nosuid 0 0\n";
    assert_eq!(settle_entries(&shm_line(), &fstab("")), [format!("/etc/fstab: {line}")]);
    let before = "LABEL=x / ext4 defaults 0 0\nnone /run/shm tmpfs defaults 0 0";
    let after = format!("/etc/fstab: {before}\n{line}");
    assert_eq!(settle_entries(&shm_line(), &fstab(before)), [after]);
    for kept in ["shm /dev/shm/ tmpfs size=1G 0 0", "tmpfs /dev/shm tmpfs noexec"] {
        assert_eq!(outcome(&shm_line(), &fstab(kept)), Outcome::Met);
    }
    assert_eq!(outcome(&shm_line(), &MemoryRootfs::new()), Outcome::MetVacuously);

    // Its options are set by default, but a line must state them.
    let shm = nosuid("/dev/shm");
    for silent in [MemoryRootfs::new(), fstab("")] {
        assert_eq!(outcome(&shm, &silent), Outcome::MetVacuously);
    }
    let changes = settle_entries(&shm, &fstab("shm /dev/shm tmpfs size=1G 0 0"));
    assert_eq!(changes, ["/etc/fstab: shm /dev/shm tmpfs size=1G,nosuid 0 0"]);
    // systemd mounts it before it reads units, so a unit decides nothing.
    let unit = fstab("").file("/etc/systemd/system/dev-shm.mount", "[Mount]\nOptions=rw\n");
    assert_eq!(outcome(&shm, &unit), Outcome::MetVacuously);
    let no_default: Mount = parse("{ target = '/dev/shm', option = 'noexec' }").unwrap();
    stuck(&no_default, &fstab(""), "declare /dev/shm");
}

#[test]
fn what_is_only_looked_at_is_never_invented() {
    let declared: Mount = parse("{ target = '/tmp', declared = true }").unwrap();
    let nodev: Mount = parse("{ target = '/tmp', option = 'nodev', declared = true }").unwrap();
    stuck(&declared, &fstab(""), "ever created");
    stuck(&nodev, &fstab(""), "ever created");
    let line = fstab("x /tmp ext4 rw\n");
    assert_eq!(outcome(&declared, &line), Outcome::Met);
    assert_eq!(outcome(&nodev, &line), Outcome::NotMet);
    let unit = MemoryRootfs::new().file(VENDOR, STOCK);
    assert_eq!(outcome(&declared, &unit), Outcome::Met);
    assert_eq!(outcome(&nodev, &unit), Outcome::Met);
    // Where 18.04 keeps it, systemd does not see it.
    let parked = MemoryRootfs::new().file("/usr/share/systemd/tmp.mount", STOCK);
    assert_eq!(outcome(&declared, &parked), Outcome::NotMet);
}

#[test]
fn a_unit_of_etc_is_edited_where_it_decides() {
    let root = MemoryRootfs::new().file(UNIT, STOCK);
    assert_eq!(outcome(&nosuid("/tmp"), &root), Outcome::Met);
    let after = STOCK.replace("nosuid,nodev", "nosuid,nodev,noexec");
    assert_eq!(settle_entries(&noexec(), &root), [format!("{UNIT}: {after}")]);
    // It outranks the line, which is left alone.
    let both = root.file("/etc/fstab", "x /tmp ext4 noexec 0 0\n");
    assert_eq!(settle_entries(&noexec(), &both), [format!("{UNIT}: {after}")]);

    let silent = "[Mount]\nWhat=tmpfs\n\n[Install]\nWantedBy=x\n";
    let want = silent.replace("tmpfs\n", "tmpfs\nOptions=noexec\n");
    assert_eq!(
        settle_entries(&noexec(), &MemoryRootfs::new().file(UNIT, silent)),
        [format!("{UNIT}: {want}")]
    );
}

#[test]
fn a_package_s_unit_gets_a_drop_in_that_restates_all() {
    let ours = format!(
        "{DROP_INS}/60-CIS.conf: [Mount]\nOptions=mode=1777,strictatime,nosuid,nodev,noexec\n"
    );
    let dirs = ["/etc/systemd/system: 0755 0:0", "/etc/systemd/system/tmp.mount.d: 0755 0:0"];
    let base = MemoryRootfs::new().dir("/etc/systemd", 0o755, 0, 0);
    let changes = settle_entries(&noexec(), &base.clone().file(VENDOR, STOCK));
    assert_eq!(changes, [dirs[0], dirs[1], &ours]);
    // The usual way on 18.04: a link to the parked unit.
    let linked =
        base.file("/usr/share/systemd/tmp.mount", STOCK).link(UNIT, "/usr/share/systemd/tmp.mount");
    assert_eq!(settle_entries(&noexec(), &linked), [dirs[1], &ours]);
    // A line outranks the package's unit.
    let line = linked.without(UNIT).file(VENDOR, STOCK).file("/etc/fstab", "x /tmp ext4 rw\n");
    assert_eq!(settle_entries(&noexec(), &line), ["/etc/fstab: x /tmp ext4 rw,noexec\n"]);
}

#[test]
fn the_last_drop_in_decides() {
    let base = MemoryRootfs::new().file(VENDOR, STOCK);
    let named = |dir: &str, name: &str| format!("{dir}/{name}.conf");
    let weak = "# c\n[Mount]\nOptions=size=1G\n";

    let own = named(DROP_INS, "70-x");
    let root = base.clone().file(&own, weak);
    let after = weak.replace("1G", "1G,nosuid");
    assert_eq!(settle_entries(&nosuid("/tmp"), &root), [format!("{own}: {after}")]);
    let later = root.file(&named(DROP_INS, "80-y"), "[Mount]\nOptions=nosuid\n");
    assert_eq!(outcome(&nosuid("/tmp"), &later), Outcome::Met);

    let vendor_dir = "/usr/lib/systemd/system/tmp.mount.d";
    let early = base.clone().file(&named(vendor_dir, "10-x"), weak);
    let changes = settle_entries(&nosuid("/tmp"), &early);
    assert_eq!(
        changes.last().unwrap(),
        &format!("{DROP_INS}/60-CIS.conf: [Mount]\nOptions=size=1G,nosuid\n")
    );
    for name in ["70-x", "60-CIS"] {
        let late = base.clone().file(&named(vendor_dir, name), weak);
        let changes = settle_entries(&nosuid("/tmp"), &late);
        assert_eq!(changes.last().unwrap(), &format!("{}: {after}", named(DROP_INS, name)));
    }
    let hidden = base.clone().file(&named(vendor_dir, "70-x"), weak).link(&own, "/dev/null");
    assert_eq!(outcome(&nosuid("/tmp"), &hidden), Outcome::Met);

    // On top of a line of fstab, too.
    let line = MemoryRootfs::new().file("/etc/fstab", "x /tmp ext4 nosuid\n").file(&own, weak);
    assert_eq!(settle_entries(&nosuid("/tmp"), &line), [format!("{own}: {after}")]);
    let other_key = "[Mount]\nTimeoutSec=9\n";
    let line = MemoryRootfs::new().file("/etc/fstab", "x /tmp ext4 nosuid\n").file(&own, other_key);
    assert_eq!(outcome(&nosuid("/tmp"), &line), Outcome::Met);
    // Without anything below it, a drop-in is nothing.
    assert_eq!(
        outcome(&nosuid("/tmp"), &MemoryRootfs::new().file(&own, weak)),
        Outcome::MetVacuously
    );
}

#[test]
fn places_that_are_not_ours_have_no_remedy() {
    let out = format!("{DROP_INS}/70-x.conf");
    let root = MemoryRootfs::new()
        .file(VENDOR, STOCK)
        .file("/usr/share/x.conf", "[Mount]\nOptions=rw\n")
        .link(&out, "/usr/share/x.conf");
    stuck(&nosuid("/tmp"), &root, "outside of /etc");
    let root = MemoryRootfs::new().file(VENDOR, STOCK).link(DROP_INS, "/usr/share");
    stuck(&noexec(), &root, "outside of /etc");
}

#[test]
fn masked_units_mount_nothing() {
    for masked in [MemoryRootfs::new().file(UNIT, ""), MemoryRootfs::new().link(UNIT, "/dev/null")]
    {
        let root = masked.file(VENDOR, STOCK).file("/etc/fstab", "x /tmp ext4 rw\n");
        assert_eq!(outcome(&nosuid("/tmp"), &root), Outcome::MetVacuously);
    }
}

#[test]
fn units_that_systemd_may_refuse_are_not_judged() {
    for text in [
        "[Mount]\nWhere=/tmp\nOptions=nosuid\n",
        "[Mount]\nWhat=\nOptions=nosuid\n",
        "[Mount]\nWhat=x\nWhere=/other\nOptions=nosuid\n",
        "[Mount]\nWhat=x\nnonsense\n",
        "[Mount\nWhat=x\n",
        "[Mount]\nWhat=x\nOptions=a,\\\n# b\nnosuid\n",
        "[Mount]\n.include /x\n",
    ] {
        assert!(nosuid("/tmp").audit(&MemoryRootfs::new().file(UNIT, text)).is_err(), "{text}");
    }
    let continued = "[Mount]\nWhat=x\nOptions=nodev,\\\n nosuid\n";
    stuck(&nosuid("/tmp"), &MemoryRootfs::new().file(UNIT, continued), "blank");
}

#[test]
fn units_have_the_escaped_name() {
    let text = "[Mount]\nWhat=x\nOptions=rw\n";
    for (target, name) in [("/var/tmp", "var-tmp"), ("/home", "home"), ("/a-b", "a\\x2db")] {
        let file = format!("/etc/systemd/system/{name}.mount");
        let changes = settle_entries(&nosuid(target), &MemoryRootfs::new().file(&file, text));
        assert_eq!(changes.len(), 1, "{target}");
    }
}

#[test]
fn a_running_system_says_what_is_mounted_now() {
    let info = "30 22 0:30 / /tmp rw,relatime - tmpfs tmpfs rw\n";
    let root = fstab("x /tmp ext4 nosuid\n").file("/proc/self/mountinfo", info);
    let last = |root: &MemoryRootfs| match nosuid("/tmp").audit(root).unwrap() {
        Finding::Met(evidence) => evidence.last().cloned().unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        last(&root).found.as_ref().map(ToString::to_string).as_deref(),
        Some("nosuid"),
        "an image is not asked"
    );
    let now = last(&root.live());
    assert_eq!(now.found.as_ref().map(ToString::to_string).as_deref(), Some("rw,relatime"));
}

#[test]
fn a_hostile_table_is_judged_in_good_time() {
    let many = "x /tmp ext4 rw\n".repeat(20_000);
    let staged_text = settle_entries(&nosuid("/tmp"), &fstab(&many));
    assert_eq!(staged_text[0].matches("rw,nosuid").count(), 20_000);
    let wide = format!("x /tmp ext4 {}\n", "rw,".repeat(200_000));
    assert_eq!(settle_entries(&nosuid("/tmp"), &fstab(&wide)).len(), 1);
    let deep = format!("x {} ext4 rw\n", "/a".repeat(200_000));
    assert_eq!(outcome(&nosuid("/tmp"), &fstab(&deep)), Outcome::MetVacuously);
}

#[test]
fn mistakes_in_a_profile_are_named() {
    for (value, want) in [
        ("{ target = '/tmp' }", "want one of"),
        ("{ target = '/tmp', option = 'nosiud' }", "unknown variant `nosiud`"),
        ("{ target = 'tmp', option = 'nosuid' }", "does not begin with"),
        ("{ target = '/tmp', opt = 'nosuid' }", "unknown field `opt`"),
        ("{ target = '/tmp', line = 'x /tmp' }", "not one line of fstab"),
        ("{ target = '/tmp', line = 'x /var ext4 rw' }", "not a line for `/tmp`"),
        ("{ target = '/tmp', line = 'x /tmp a rw', declared = true }", "want one of"),
    ] {
        let message = parse(value).unwrap_err();
        assert!(message.contains(want), "want {want} in {message}");
    }
}

/// What systemd mounts before it reads any unit: as systemd-remount-fs 237 and mount 2.31 do.
#[test]
fn shared_memory_is_remounted_for_its_own_line_only() {
    let shm = nosuid("/dev/shm");
    for (text, want) in [
        ("tmpfs /./dev/shm tmpfs size=1G 0 0", Outcome::MetVacuously),
        ("tmpfs dev/shm tmpfs size=1G 0 0", Outcome::MetVacuously),
        ("tmpfs /dev/shm tmpfs size=1G # no number", Outcome::MetVacuously),
        ("tmpfs /dev/shm tmpfs size=1G 0 x", Outcome::MetVacuously),
        ("tmpfs /dev/shm", Outcome::MetVacuously),
        ("x /dev/shm swap nodev 0 0", Outcome::NotMet),
        ("tmpfs /dev/shm tmpfs nodev,no\\163uid 0 0", Outcome::Met),
        ("tmpfs /dev/shm tmpfs nosuid\\054suid 0 0", Outcome::NotMet),
        ("x /dev/shm swap nosuid 0 0", Outcome::Met),
    ] {
        assert_eq!(outcome(&shm, &fstab(text)), want, "{text}");
    }
    stuck(&shm, &fstab("x /dev/shm swap sw 0 0"), "/etc/fstab:1 is a line of type swap");
    let line = "tmpfs /dev/shm tmpfs defaults,nodev,nosuid 0 0\n";
    for passed in ["x /dev/shm swap sw 0 0\n", "tmpfs /./dev/shm tmpfs defaults 0 0\n"] {
        assert_eq!(
            changed_entries(&stage(&shm_line(), &fstab(passed))),
            [format!("/etc/fstab: {passed}{line}")]
        );
    }
    let escaped = settle_entries(&shm, &fstab("x /dev/shm tmpfs nosuid\\054suid,a=\\040 0 0\n"));
    assert_eq!(escaped, ["/etc/fstab: x /dev/shm tmpfs nosuid,a=\\040 0 0\n"]);
}

#[test]
fn a_target_without_its_first_slash_is_that_mount_point() {
    let changes = settle_entries(&noexec_on("/var/tmp"), &fstab("tmpfs var/tmp tmpfs nodev 0 0\n"));
    assert_eq!(changes, ["/etc/fstab: tmpfs var/tmp tmpfs nodev,noexec 0 0\n"]);
    assert_eq!(outcome(&noexec(), &fstab("tmpfs tmp tmpfs nodev 0 0\n")), Outcome::MetVacuously);
}
