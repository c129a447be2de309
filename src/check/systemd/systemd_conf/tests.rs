//! Tests of `systemd_conf`.

use super::*;
use crate::check::Outcome;
use crate::check::testing::{
    self, Run, changed, changed_by_path, fixes, gaps, path, reasons, settled_text, stage,
};
use crate::rootfs::{FileKind, MemoryRootfs};

const MAIN: &str = "/etc/systemd/journald.conf";
const STOCK: &str = "#  This file is part of systemd.\n\n[Journal]\n#Storage=auto\n#Compress=yes\n#ForwardToSyslog=yes\n";

fn storage() -> SystemdConf {
    toml::from_str(
        "name = 'journald'\nsection = 'Journal'\nkey = 'Storage'\nvalue = 'persistent'\n\
         mark = 'CIS'",
    )
    .unwrap()
}

fn forward() -> SystemdConf {
    let key = "ForwardToSyslog".into();
    SystemdConf { key, value: "yes".into(), boolean: true, ..storage() }
}

fn outcome(want: &SystemdConf, root: &MemoryRootfs) -> Outcome {
    crate::check::testing::outcome(want, root)
}

fn main(text: &str) -> MemoryRootfs {
    MemoryRootfs::new().file(MAIN, text)
}

#[test]
fn the_main_file_must_state_it() {
    use Outcome::{Met, NotMet};
    for (text, want) in [
        ("", NotMet),
        (STOCK, NotMet),
        ("[Journal]\nStorage=persistent\n", Met),
        ("[Journal]\n  Storage = persistent  \r\n", Met),
        ("[Journal]\nStorage=persistent", Met),
        ("[Journal]\nStorage=auto\n", NotMet),
        ("[Journal]\nStorage=Persistent\n", NotMet),
        ("[Journal]\nstorage=persistent\n", NotMet),
        ("[Journal]\nStorage=\"persistent\"\n", NotMet),
        ("[Journal]\nStorage=persistent # always\n", NotMet),
        ("[Journal]\n#Storage=persistent\n", NotMet),
        ("[Journal]\nStorageX=persistent\n", NotMet),
        ("Storage=persistent\n", NotMet),
        ("[Journald]\nStorage=persistent\n", NotMet),
        ("[Journal]\nStorage=persistent\nStorage=persistent\n", Met),
        ("[Journal]\nStorage=none\nStorage=persistent\n", Met),
        ("[Journal]\nStorage=persistent\nStorage=none\n", NotMet),
        ("[Journal]\nStorage=persistent\n[X]\n[Journal]\nStorage=none\n", NotMet),
        ("[Journal]\n# x \\\nStorage=persistent\n", NotMet),
        ("[Journal]\nStorage=persistent\n# x \\\nStorage=none\n", NotMet),
        ("[Journal]\njunk\nStorage=persistent\n", NotMet),
        ("[Journal]\r\nA=1\\\r\nStorage=persistent\r\n", NotMet),
        ("[Journal]\n.include /etc/x\n=1\nStorage=persistent\n", Met),
        ("[X]\njunk\n[Journal]\nStorage=persistent\n", Met),
    ] {
        let root = main(text);
        assert_eq!(outcome(&storage(), &root), want, "{text:?}");
        let after = settled_text(&storage(), &root, MAIN);
        assert_eq!(after == text, want == Met, "{text:?}");
        assert!(after.contains("Storage"), "{text:?}");
    }
}

fn cap() -> SystemdConf {
    let key = "SystemMaxUse".into();
    SystemdConf { key, value: "1G".into(), at_most: true, ..storage() }
}

#[test]
fn a_cap_is_lowered_and_a_lower_one_kept() {
    use Outcome::{Met, NotMet};
    for (text, want) in [
        (STOCK, NotMet),
        ("[Journal]\nSystemMaxUse=1G\n", Met),
        ("[Journal]\nSystemMaxUse=1024M\n", Met),
        ("[Journal]\nSystemMaxUse=512M 1K\n", Met),
        ("[Journal]\nSystemMaxUse=1.5G\n", NotMet),
        ("[Journal]\nSystemMaxUse=2G\n", NotMet),
        // No limit at all.
        ("[Journal]\nSystemMaxUse=0\n", NotMet),
        ("[Journal]\nSystemMaxUse=\n", NotMet),
        ("[Journal]\nSystemMaxUse=10%\n", NotMet),
        // What is no size is passed over.
        ("[Journal]\nSystemMaxUse=100M\nSystemMaxUse=1gb\n", Met),
        ("[Journal]\nSystemMaxUse=100M\nSystemMaxUse=4G\n", NotMet),
        ("[Journal]\nRuntimeMaxUse=1G\n", NotMet),
    ] {
        let root = main(text);
        assert_eq!(outcome(&cap(), &root), want, "{text:?}");
        let after = settled_text(&cap(), &root, MAIN);
        assert_eq!(after == text, want == Met, "{text:?}");
    }
    let stock = STOCK.replace("#Storage", "#SystemMaxUse=\n#Storage");
    let want = stock.replace("#SystemMaxUse=\n", "#SystemMaxUse=\nSystemMaxUse=1G\n");
    assert_eq!(settled_text(&cap(), &main(&stock), MAIN), want);
    let drop_in = "/etc/systemd/journald.conf.d/50-x.conf";
    let root = main("[Journal]\nSystemMaxUse=1G\n");
    let lower = root.clone().file(drop_in, "[Journal]\nSystemMaxUse=64M\n");
    assert_eq!(outcome(&cap(), &lower), Met);
    let higher = root.file(drop_in, "[Journal]\nSystemMaxUse=3G\n");
    assert_eq!(outcome(&cap(), &higher), NotMet);
}

#[test]
fn a_cap_is_a_size() {
    for value in ["", "0", "1gb", "10%", "much"] {
        let want = SystemdConf { value: value.into(), ..cap() };
        let bad = want.check_data().unwrap_err();
        assert!(bad.to_string().contains("want a size"), "{value}: {bad}");
    }
    assert!(SystemdConf { boolean: true, ..cap() }.check_data().is_err());
    cap().check_data().unwrap();
}

#[test]
fn the_setting_goes_below_the_sample() {
    assert_eq!(
        settled_text(&storage(), &main(STOCK), MAIN),
        STOCK.replace("#Storage=auto", "#Storage=auto\nStorage=persistent")
    );
    let root = MemoryRootfs::new();
    assert_eq!(settled_text(&forward(), &root, MAIN), "[Journal]\nForwardToSyslog=yes\n");
}

#[test]
fn booleans_are_equal_in_any_spelling() {
    for yes in ["yes", "1", "Y", "TRUE", "t", "On"] {
        let root = main(&format!("[Journal]\nForwardToSyslog={yes}\n"));
        assert_eq!(outcome(&forward(), &root), Outcome::Met, "{yes}");
    }
    for no in ["no", "0", "off", "", "yess", "2"] {
        let root = main(&format!("[Journal]\nForwardToSyslog={no}\n"));
        assert_eq!(outcome(&forward(), &root), Outcome::NotMet, "{no}");
    }
}

const GOOD: &str = "[Journal]\nStorage=persistent\n";
const BAD: &str = "[Journal]\nStorage=volatile\nCompress=no\n";

#[test]
fn a_contrary_drop_in_in_etc_is_rewritten() {
    let path = "/etc/systemd/journald.conf.d/50.conf";
    let root = main(GOOD).file(path, BAD);
    assert_eq!(settled_text(&storage(), &root, path), BAD.replace("volatile", "persistent"));
    let later = root.clone().file("/lib/systemd/journald.conf.d/60.conf", GOOD);
    assert_eq!(outcome(&storage(), &later), Outcome::Met, "a later one has the last word");
    for other in ["/etc/systemd/journald.conf.d/50.confx", "/etc/systemd/journald.conf.d/.a.conf"] {
        assert_eq!(outcome(&storage(), &main(GOOD).file(other, BAD)), Outcome::Met, "{other}");
    }
}

#[test]
fn a_contrary_drop_in_of_a_vendor_is_outranked() {
    for (name, ours) in [
        ("50.conf", "99-CIS.conf"),
        ("99-a.conf", "zz-CIS.conf"),
        ("zz-CIS.conf", "zz-CIS_CIS.conf"),
        ("zzz.conf", "zzz_CIS.conf"),
        ("~.conf", "~_CIS.conf"),
    ] {
        for dir in ["/usr/local/lib", "/usr/lib", "/lib"] {
            let root = main(GOOD).file(&format!("{dir}/systemd/journald.conf.d/{name}"), BAD);
            let staged = stage(&storage(), &root);
            let path = format!("/etc/systemd/journald.conf.d/{ours}");
            assert_eq!(changed(&staged)[1..], [(path, GOOD.to_owned())], "{dir} {name}");
            assert_eq!(storage().audit(&staged).unwrap().outcome(), Outcome::Met);
        }
    }
}

#[test]
fn hidden_drop_ins_do_not_count() {
    let vendor = "/usr/lib/systemd/journald.conf.d/a.conf";
    let root = main(GOOD).file(vendor, BAD);
    assert_eq!(outcome(&storage(), &root), Outcome::NotMet);
    let etc = "/etc/systemd/journald.conf.d/a.conf";
    for hiding in [
        root.clone().file(etc, ""),
        root.clone().link(etc, "/dev/null"),
        root.clone().link(etc, "/dev/null").special("/dev/null", FileKind::CharDevice),
        root.clone().file("/usr/local/lib/systemd/journald.conf.d/a.conf", GOOD),
    ] {
        assert_eq!(outcome(&storage(), &hiding), Outcome::Met);
    }
    let folder = root.clone().dir(etc, 0o755, 0, 0);
    assert_eq!(outcome(&storage(), &folder), Outcome::NotMet, "a directory hides nothing");
    let run = main(GOOD).file("/run/systemd/journald.conf.d/a.conf", BAD);
    assert_eq!(outcome(&storage(), &run), Outcome::Met, "/run of an image is not read");
    assert_eq!(outcome(&storage(), &run.clone().live()), Outcome::NotMet);
    settled_text(&storage(), &run.live(), MAIN);
}

#[test]
fn links() {
    let inside = MemoryRootfs::new().file("/etc/own/j.conf", BAD).link(MAIN, "/etc/own/j.conf");
    let staged = stage(&storage(), &inside);
    assert_eq!(changed(&staged).len(), 1);
    assert_eq!(changed(&staged)[0].0, "/etc/own/j.conf");

    let outside =
        MemoryRootfs::new().file("/usr/share/j.conf", BAD).link(MAIN, "/usr/share/j.conf");
    let finding = storage().audit(&outside).unwrap();
    assert!(reasons(&finding)[0].contains("leads to /usr/share/j.conf"), "{finding:?}");
    assert!(fixes(&finding).is_empty());

    let lead = "/etc/systemd/journald.conf.d/a.conf";
    let drop_in = main(GOOD).file("/usr/share/j.conf", BAD).link(lead, "/usr/share/j.conf");
    let staged = stage(&storage(), &drop_in);
    assert_eq!(changed(&staged).last().unwrap().0, "/etc/systemd/journald.conf.d/zz-CIS.conf");

    let looped = MemoryRootfs::new().link(MAIN, "journald.conf");
    assert!(storage().audit(&looped).is_err());
}

#[test]
fn what_stops_the_reader_is_a_gap() {
    let root = main(GOOD).file("/usr/lib/systemd/journald.conf.d/a.conf", "[Journal\n");
    let finding = storage().audit(&root).unwrap();
    assert!(
        reasons(&finding)[0]
            .contains("hide it by a file of this name in /etc/systemd/journald.conf.d"),
        "{finding:?}"
    );
    let root = main("[Journal]\nStorage=persistent\nMaxUse 1G\n");
    assert_eq!(
        settled_text(&storage(), &root, MAIN),
        "[Journal]\nStorage=persistent\n# gokaku: MaxUse 1G\n"
    );
}

#[test]
fn what_is_excluded_stays() {
    const JUNK: &str = "[Journal]\njunk\n";
    const DROP: &str = "/etc/systemd/journald.conf.d/50.conf";
    let key = Subject::key("journald.conf:Storage");
    let root = main(JUNK).file(DROP, JUNK);
    let after = |subject: &Subject| {
        let held = root.clone().excluding(subject.clone());
        let staged = stage(&storage(), &held);
        assert!(gaps(&storage(), &held).iter().any(|gap| gap.subject == *subject));
        assert_eq!(testing::held(&storage(), Audit::new(&staged, &held.options)), 1);
        changed_by_path(&staged)
    };
    // The key stays, the lines that stop the reading go.
    let gone = JUNK.replace("junk", "# gokaku: junk");
    assert_eq!(after(&key), [(MAIN.into(), gone.clone()), (DROP.into(), gone.clone())].into());
    // A file stays, and what is wrong in others goes.
    let set = format!("{GOOD}# gokaku: junk\n");
    assert_eq!(after(&Subject::path(&path(DROP))), [(MAIN.into(), set)].into());
    let held = root.clone().excluding(Subject::path(&path(MAIN)));
    assert_eq!(changed_by_path(&stage(&storage(), &held)), [(DROP.into(), gone)].into());
    assert_eq!(gaps(&storage(), &held).iter().filter(|gap| gap.subject == key).count(), 1);
    // Of drop-ins, too.
    for held in [
        main(GOOD).file(DROP, BAD).excluding(key.clone()),
        main(GOOD).file("/lib/systemd/journald.conf.d/50.conf", BAD).excluding(key.clone()),
    ] {
        assert!(changed(&stage(&storage(), &held)).is_empty());
        assert_eq!(testing::held(&storage(), &held), 1);
    }
}

#[test]
fn without_its_package_there_is_nothing_to_hold() {
    let want = SystemdConf { package: Some("systemd-coredump".into()), ..storage() };
    assert!(want.audit(&main(BAD)).is_err(), "no database: it cannot be told");
    let root = main(BAD).file("/var/lib/dpkg/status", "");
    assert_eq!(outcome(&want, &root), Outcome::MetVacuously);
    let status = "Package: systemd-coredump\nStatus: install ok installed\n";
    assert_eq!(outcome(&want, &root.file("/var/lib/dpkg/status", status)), Outcome::NotMet);
    let with = |line: &[u8]| {
        let text = [b"[Journal]\nStorage=persistent\n", line].concat();
        outcome(&storage(), &main("").file(MAIN, text))
    };
    assert_eq!(with(b"Storage=persistent\xff\n"), Outcome::Unknown);
    for elsewhere in [&b"# \xff\n"[..], b"TTYPath=/dev/\xff\n"] {
        assert_eq!(with(elsewhere), Outcome::Met);
    }
}

#[test]
fn large_files_are_no_matter() {
    let text = format!("[Journal]\n{}", "#x \\\nA=b \\\njunk\njunk\n".repeat(50_000));
    settled_text(&storage(), &main(&text), MAIN);
}
