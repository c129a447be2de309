use crate::check::testing::{
    self, Run, changed_entries, check, gaps, outcome, path, reasons_on, settle_entries, stage,
    try_check,
};
use crate::check::{Check, Outcome, Subject, SubjectKind};
use crate::rootfs::{FileKind, MemoryRootfs};

const CRON: &str = "/lib/systemd/system/cron.service";
const WANTS: &str = "/etc/systemd/system/multi-user.target.wants/cron.service";
const MASK: &str = "/etc/systemd/system/cron.service";
const UNIT: &str = "[Unit]\nDescription=x\n[Install]\nWantedBy=multi-user.target\n";

fn status(package: &str, state: &str) -> String {
    format!("Package: {package}\nStatus: {state}\nArchitecture: amd64\n\n")
}

/// An image with cron's unit, not enabled.
fn image() -> MemoryRootfs {
    MemoryRootfs::new()
        .file("/var/lib/dpkg/status", status("cron", "install ok installed"))
        .file("/etc/machine-id", "")
        .file(CRON, UNIT)
}

fn cron(state: &str) -> Check {
    check(&format!(
        "service = {{ unit = \"cron.service\", state = \"{state}\", package = \"cron\" }}"
    ))
}

fn settled(state: &str, root: &MemoryRootfs) -> Vec<String> {
    settle_entries(cron(state).primitive(), root)
}

#[test]
fn what_is_enabled() {
    let enabled = cron("enabled");
    let met = |root: &MemoryRootfs| outcome(enabled.primitive(), root) == Outcome::Met;
    assert!(met(&image().link(WANTS, CRON)));
    assert!(met(&image().link(WANTS, "../../../../lib/systemd/system/cron.service")));
    assert!(met(&image().link(WANTS, "/nowhere/cron.service")), "only its name counts");
    assert!(met(&image()
        .link(WANTS, CRON)
        .link("/lib", "usr/lib")
        .file("/usr/lib/systemd/system/cron.service", UNIT)));
    assert!(!met(&image()));
    assert!(!met(&image().link(WANTS, "/dev/null")), "a masked dependency");
    assert!(!met(&image().file(WANTS, UNIT)), "a copy");
    assert!(!met(&image().link(WANTS, CRON).link(MASK, "/dev/null")));
    assert!(!met(&image().link(WANTS, CRON).file(MASK, "")));
    assert!(!met(&image()
        .link(WANTS, CRON)
        .file("/usr/local/lib/systemd/system/cron.service", "")));
    let elsewhere = "/etc/systemd/system/graphical.target.wants/cron.service";
    assert!(!met(&image().link(elsewhere, CRON)), "not what its [Install] says");
    let anacron = "/etc/systemd/system/multi-user.target.wants/anacron.service";
    assert!(!met(&image().link(anacron, CRON)), "another name");
}

#[test]
fn a_unit_whose_install_section_makes_no_link_is_not_enabled() {
    for install in ["Alias=cron.socket", "Alias=cron.service", "Also=cron.timer"] {
        let text = format!("[Unit]\nDescription=x\n[Install]\n{install}\n");
        let root = image().file(CRON, text);
        assert_eq!(outcome(cron("enabled").primitive(), &root), Outcome::NotMet, "{install}");
        assert_eq!(reasons_on(cron("enabled").primitive(), &root).len(), 1, "{install}");
        let pulled = root.link("/lib/systemd/system/multi-user.target.wants/cron.service", CRON);
        assert_eq!(outcome(cron("enabled").primitive(), &pulled), Outcome::Met, "{install}");
    }
}

#[test]
fn bytes_that_are_not_utf8_count_where_links_come_from() {
    for (said, unknown) in [
        (&b"WantedBy=multi-user.target \xe9.target\n"[..], true),
        (b"Alias=\xe9.service\nWantedBy=multi-user.target\n", true),
        (b"# \xe9\nWantedBy=multi-user.target\nAlso=\xe9.timer\n", false),
    ] {
        let text = [b"[Unit]\nDescription=\xe9\n[Install]\n", said].concat();
        let root = image().file(CRON, text).link(WANTS, CRON);
        match cron("enabled").find(&(&root).into()) {
            Err(e) if unknown => assert!(e.to_string().starts_with(&format!("{CRON}:4: ")), "{e}"),
            finding => assert_eq!(finding.unwrap().outcome(), Outcome::Met),
        }
    }
}

#[test]
fn enabling_writes_what_systemctl_writes() {
    let want = [
        "/etc/systemd/system/multi-user.target.wants: 0755 0:0".to_owned(),
        format!("{WANTS} -> {CRON}"),
    ];
    assert_eq!(settled("enabled", &image().dir("/etc/systemd/system", 0o755, 0, 0)), want);
    // Merged /usr: the shorter path is the one systemctl and the packages write.
    let merged = image().without("/lib").link("/lib", "usr/lib");
    let merged = merged.file("/usr/lib/systemd/system/cron.service", UNIT);
    let merged = merged.dir("/etc/systemd/system", 0o755, 0, 0);
    assert_eq!(settled("enabled", &merged), want);
    let only_usr = merged.without("/lib").dir("/etc/systemd/system", 0o755, 0, 0);
    let want = format!("{WANTS} -> /usr/lib/systemd/system/cron.service");
    assert_eq!(settled("enabled", &only_usr)[1], want);
    let own = image().file(MASK, UNIT);
    assert_eq!(settled("enabled", &own)[1], format!("{WANTS} -> {MASK}"));
}

#[test]
fn masks_are_taken_away() {
    let linked = image().link(WANTS, CRON);
    for masked in [
        linked.clone().link(MASK, "/dev/null"),
        linked.clone().link(MASK, "../../../dev/null"),
        linked.clone().file(MASK, ""),
    ] {
        assert_eq!(settled("enabled", &masked), [format!("-{MASK}")]);
    }
    let control = "/etc/systemd/system.control/cron.service";
    let both = linked.clone().link(control, "/dev/null").link(MASK, "/dev/null");
    assert_eq!(settled("enabled", &both), [format!("-{control}"), format!("-{MASK}")]);
    let dependency = image().link(WANTS, "/dev/null");
    assert_eq!(settled("enabled", &dependency), [format!("{WANTS} -> {CRON}")]);
    // Not ours to take away: the vendor's, and what is gone at the next boot anyway.
    let vendor = linked.clone().file("/usr/local/lib/systemd/system/cron.service", "");
    let why = reasons_on(cron("enabled").primitive(), &vendor).join(" ");
    assert!(why.contains("not ours to change"), "{why}");
    let live = linked.link("/run/systemd/system/cron.service", "/dev/null").live();
    let why = reasons_on(cron("enabled").primitive(), &live).join(" ");
    assert!(why.starts_with("/run/systemd/system/cron.service masks cron.service; "), "{why}");
}

#[test]
fn run_of_an_image_is_not_looked_at() {
    let root = image().link(WANTS, CRON).link("/run/systemd/system/cron.service", "/dev/null");
    assert_eq!(outcome(cron("enabled").primitive(), &root), Outcome::Met);
}

#[test]
fn no_unit_to_enable() {
    let enabled = cron("enabled");
    let gone = image().without(CRON);
    let why = reasons_on(enabled.primitive(), &gone).join(" ");
    assert!(why.ends_with("although package cron is there; reinstall the package"), "{why}");
    let absent = gone.clone().file("/var/lib/dpkg/status", "");
    assert_eq!(outcome(enabled.primitive(), &absent), Outcome::MetVacuously);
    // What a removed package leaves behind is not switched on again.
    let rc = gone
        .clone()
        .file("/var/lib/dpkg/status", status("cron", "deinstall ok config-files"))
        .file_with("/etc/init.d/cron", "#!/bin/sh\n", 0o755, 0, 0)
        .link(MASK, "/dev/null");
    assert_eq!(outcome(enabled.primitive(), &rc), Outcome::MetVacuously);
    assert_eq!(outcome(enabled.primitive(), &gone.without("/var/lib/dpkg")), Outcome::Unknown);
    // A locally installed unit counts without a package.
    let own = image().file("/var/lib/dpkg/status", "").link(WANTS, CRON);
    assert_eq!(outcome(enabled.primitive(), &own), Outcome::Met);
}

#[test]
fn what_cannot_be_enabled_says_why() {
    for (root, want) in [
        (image().file(CRON, "[Service]\nExecStart=/bin/x\n"), "no [Install] section"),
        (image().link(MASK, "/nowhere"), "leads to nothing"),
        (image().dir(MASK, 0o755, 0, 0), "is a directory, want a unit file"),
        (image().special(MASK, FileKind::Fifo), "is a named pipe, want a unit file"),
        (image().file(WANTS, UNIT), "is not a link"),
        (image().file(CRON, "[Install]\nWantedBy=%i.target\n"), "`%i.target` in [Install]"),
        (image().file(CRON, "[Install]\nWantedBy=../../x\n"), "`../../x` in [Install]"),
        (
            image().link("/etc/systemd/system/multi-user.target.wants", "/usr/share/wants"),
            "leads to /usr/share/wants/cron.service, outside of /etc",
        ),
    ] {
        let why = reasons_on(cron("enabled").primitive(), &root).join(" ");
        assert!(why.contains(want), "{want}: {why}");
    }
    let looped = image().link(MASK, MASK);
    assert_eq!(outcome(cron("enabled").primitive(), &looped), Outcome::Unknown);
    let vendor = "/lib/systemd/system/multi-user.target.wants/cron.service";
    let fixed = image().file(CRON, "[Service]\n").link(vendor, "../cron.service");
    assert_eq!(outcome(cron("enabled").primitive(), &fixed), Outcome::Met);
}

#[test]
fn an_alias_is_part_of_it() {
    let check = check(
        "service = { unit = \"rsyslog.service\", state = \"enabled\", package = \"rsyslog\" }",
    );
    let check = check.primitive();
    let unit = "/lib/systemd/system/rsyslog.service";
    let wants = "/etc/systemd/system/multi-user.target.wants/rsyslog.service";
    let alias = "/etc/systemd/system/syslog.service";
    let base = MemoryRootfs::new()
        .file(unit, "[Install]\nWantedBy=multi-user.target\nAlias=syslog.service\n")
        .link(wants, unit);
    assert_eq!(outcome(check, &base.clone().link(alias, unit)), Outcome::Met);
    let link = [format!("{alias} -> {unit}")];
    assert_eq!(settle_entries(check, &base), link);
    for wrong in [
        base.clone().link(alias, "/dev/null"),
        base.clone().file(alias, ""),
        base.clone().link(alias, "/usr/lib/systemd/system/rsyslog.service"),
        base.clone().link("/lib/systemd/system/syslog.service", "/dev/null"),
    ] {
        assert_eq!(settle_entries(check, &wrong), link);
    }
    // Systemd takes it for a mask, but nothing would bring it back.
    let device = base.clone().special(alias, FileKind::CharDevice);
    assert!(reasons_on(check, &device).join(" ").contains("is a character device; move it away"));
    let merged = base.clone().without("/lib").link("/lib", "usr/lib").file(
        "/usr/lib/systemd/system/rsyslog.service",
        "[Install]\nWantedBy=multi-user.target\nAlias=syslog.service\n",
    );
    assert_eq!(settle_entries(check, &merged), link);
    let other = base.link(alias, "/lib/systemd/system/syslog-ng.service");
    let other = other.file("/lib/systemd/system/syslog-ng.service", UNIT);
    let why = reasons_on(check, &other).join(" ");
    assert!(why.starts_with("the name syslog.service belongs to"), "{why}");
}

#[test]
fn the_name_may_be_an_alias_itself() {
    let own = "/usr/local/lib/systemd/system/fcron.service";
    let root = image().without(CRON).file(own, UNIT).link(MASK, own);
    let wants = "/etc/systemd/system/multi-user.target.wants/fcron.service";
    assert_eq!(settled("enabled", &root)[1], format!("{wants} -> {own}"));
}

fn script(root: MemoryRootfs) -> MemoryRootfs {
    let header = "#!/bin/sh\n# Default-Start: 2 3 4 5\n";
    root.without(CRON).file_with("/etc/init.d/cron", header, 0o755, 0, 0)
}

#[test]
fn an_init_script_is_started_by_its_links() {
    let enabled = cron("enabled");
    let root = script(image());
    for (link, met) in [
        ("/etc/rc5.d/S01cron", true),
        ("/etc/rcS.d/S20cron", true),
        ("/etc/rc5.d/K01cron", false),
        ("/etc/rc2.d/S01cron", false),
        ("/etc/rc5.d/S01cron-x", false),
    ] {
        let root = root.clone().link(link, "../init.d/cron");
        let want = if met { Outcome::Met } else { Outcome::NotMet };
        assert_eq!(outcome(enabled.primitive(), &root), want, "{link}");
    }
    let stopped = root.clone().link("/etc/rc5.d/K15cron", "../init.d/cron");
    let stopped = stopped.link("/etc/rc2.d/S01cron", "../init.d/cron").link(MASK, "/dev/null");
    let changes = settled("enabled", &stopped);
    assert_eq!(
        changes,
        [
            "/etc/rc3.d: 0755 0:0",
            "/etc/rc3.d/S01cron -> ../init.d/cron",
            "/etc/rc4.d: 0755 0:0",
            "/etc/rc4.d/S01cron -> ../init.d/cron",
            "-/etc/rc5.d/K15cron",
            "/etc/rc5.d/S15cron -> ../init.d/cron",
            "-/etc/systemd/system/cron.service",
        ]
    );
    let never = root.file_with("/etc/init.d/cron", "# Default-Start:\n", 0o755, 0, 0);
    let why = reasons_on(enabled.primitive(), &never).join(" ");
    assert!(why.contains("does not want it in run level 5"), "{why}");
}

#[test]
fn disabling_removes_the_links_and_masks() {
    let disabled = cron("disabled");
    let root = script(image()).file(CRON, UNIT).link(WANTS, CRON);
    let root = root.link("/etc/rc2.d/S03cron", "../init.d/cron");
    let root = root.link("/etc/rc3.d/S03cron", "../init.d/cron");
    let root = root.link("/etc/rc3.d/K03cron", "../init.d/cron");
    let root = root.link("/etc/rc2.d/S03cronx", "../init.d/cronx");
    assert_eq!(
        settled("disabled", &root),
        [
            "/etc/rc2.d/K03cron -> ../init.d/cron",
            "-/etc/rc2.d/S03cron",
            "-/etc/rc3.d/S03cron",
            "/etc/systemd/system/cron.service -> /dev/null",
            "-/etc/systemd/system/multi-user.target.wants/cron.service",
        ]
    );
    // With a unit file, links of the script do nothing.
    let links = script(image()).file(CRON, UNIT).link("/etc/rc2.d/S03cron", "../init.d/cron");
    assert_eq!(outcome(disabled.primitive(), &links), Outcome::Met);
    // Without one, they do.
    let links = script(image()).link("/etc/rc2.d/S03cron", "../init.d/cron");
    assert_eq!(settled("disabled", &links)[0], "/etc/rc2.d/K03cron -> ../init.d/cron");
}

#[test]
fn what_is_disabled() {
    let disabled = cron("disabled");
    let is = |root: &MemoryRootfs| outcome(disabled.primitive(), root);
    assert_eq!(is(&image()), Outcome::Met);
    assert_eq!(is(&image().link(WANTS, CRON).link(MASK, "/dev/null")), Outcome::Met);
    assert_eq!(is(&image().link(WANTS, CRON).file(MASK, "")), Outcome::Met);
    assert_eq!(is(&image().link(WANTS, "/dev/null")), Outcome::Met);
    assert_eq!(is(&image().link(WANTS, CRON)), Outcome::NotMet);
    let requires = "/etc/systemd/system/x.service.requires/cron.service";
    assert_eq!(is(&image().link(requires, CRON)), Outcome::NotMet);
    let gone = image().without(CRON);
    assert_eq!(is(&gone), Outcome::MetVacuously, "the package is there, the unit is not");
    let absent = gone.file("/var/lib/dpkg/status", "");
    assert_eq!(is(&absent), Outcome::MetVacuously);
    // A removed package's script and links are not touched.
    let rc = script(absent).link("/etc/rc2.d/S03cron", "../init.d/cron");
    assert_eq!(is(&rc), Outcome::MetVacuously);
}

#[test]
fn disabling_against_a_vendor_needs_the_mask() {
    let vendor = "/lib/systemd/system/multi-user.target.wants/cron.service";
    let root = image().link(vendor, "../cron.service").dir("/etc/systemd/system", 0o755, 0, 0);
    assert_eq!(settled("disabled", &root), [format!("{MASK} -> /dev/null")]);
    let own = root.file(MASK, UNIT);
    let why = reasons_on(cron("disabled").primitive(), &own).join(" ");
    assert!(why.contains("stands where the mask would be"), "{why}");
    // A locally installed unit is not masked, but its links are removed.
    let own = image().file(MASK, UNIT).link(WANTS, MASK);
    assert_eq!(settled("disabled", &own), [format!("-{WANTS}")]);
}

#[test]
fn a_first_boot_would_enable_it_again() {
    for root in
        [image().without("/etc/machine-id"), image().file("/etc/machine-id", "uninitialized\n")]
    {
        let root = root.dir("/etc/systemd/system", 0o755, 0, 0);
        assert_eq!(settled("disabled", &root), [format!("{MASK} -> /dev/null")]);
    }
    let fixed = image().without("/etc/machine-id").file(CRON, "[Service]\n");
    assert_eq!(outcome(cron("disabled").primitive(), &fixed), Outcome::Met);
}

#[test]
fn an_alias_goes_with_the_unit() {
    let alias = "/etc/systemd/system/crond.service";
    let root = image().file(CRON, "[Install]\nWantedBy=a.target\nAlias=crond.service\n");
    let root = root.link(alias, CRON);
    assert_eq!(settled("disabled", &root)[1], format!("-{alias}"));
}

#[test]
fn mistakes_in_a_profile_are_named() {
    for (want, word) in [
        ("service = { unit = \"cron\", state = \"enabled\" }", "`cron` is not the name"),
        ("service = { unit = \"../x.service\", state = \"enabled\" }", "is not the name"),
        ("service = { unit = \"x@.service\", state = \"enabled\" }", "is not the name"),
        ("service = { unit = \"x.service\", state = \"on\" }", "unknown variant `on`"),
        ("service = { unit = \"x.service\" }", "missing field `state`"),
    ] {
        let message = try_check(want).unwrap_err().to_string();
        assert!(message.contains(word), "{want}: {message}");
    }
}

#[test]
fn an_excluded_unit_stays() {
    let unit = Subject::new(SubjectKind::Unit, "cron.service");
    let both = script(image()).file(CRON, UNIT).link(WANTS, CRON);
    let both = both.link("/etc/rc2.d/S03cron", "../init.d/cron");
    let gone = image().without(CRON);
    let fixed = image().file(CRON, "[Service]\n");
    for (state, root) in [
        ("enabled", image()),
        ("enabled", image().link(WANTS, CRON).link(MASK, "/dev/null")),
        ("enabled", script(image())),
        ("enabled", fixed),
        ("enabled", gone),
        ("disabled", both),
        ("disabled", image().without("/etc/machine-id")),
    ] {
        let want = cron(state);
        let held = root.excluding(unit.clone());
        assert!(changed_entries(&stage(want.primitive(), &held)).is_empty(), "{state}");
        assert!(testing::held(want.primitive(), &held) > 0, "{state}");
        assert!(gaps(want.primitive(), &held).iter().all(|gap| gap.subject == unit), "{state}");
    }
    // Of an excluded entry, the others still change.
    let root = image().dir("/etc/systemd/system", 0o755, 0, 0).link(WANTS, CRON);
    let held = root.excluding(Subject::path(&path(WANTS)));
    let disabled = cron("disabled");
    let staged = stage(disabled.primitive(), &held);
    assert_eq!(changed_entries(&staged), [format!("{MASK} -> /dev/null")]);
}
