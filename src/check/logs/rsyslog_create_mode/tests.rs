use super::*;
use crate::check::Outcome;
use crate::check::testing::{self, Run, changed, fixes, reasons, reasons_on, settled_text, stage};
use crate::rootfs::MemoryRootfs;

const WANT: RsyslogCreateMode = RsyslogCreateMode { mode: Mode(0o640) };
const STOCK: &str = "module(load=\"imuxsock\")\n$FileOwner syslog\n$FileCreateMode 0640\n\
                     $IncludeConfig /etc/rsyslog.d/*.conf\n";

fn bare() -> MemoryRootfs {
    MemoryRootfs::new().file(
        "/var/lib/dpkg/status",
        "Package: rsyslog\nStatus: install ok installed\nArchitecture: amd64\n",
    )
}

fn root(main: &str) -> MemoryRootfs {
    bare().file(MAIN, main)
}

fn outcome(root: &MemoryRootfs) -> Outcome {
    testing::outcome(&WANT, root)
}

#[test]
fn verdicts() {
    for (main, want) in [
        (STOCK, Outcome::Met),
        ("$FileCreateMode 0640\r\n*.* /x\r\n", Outcome::Met),
        ("  $filecreatemode\t0600 # tight\n*.* /x", Outcome::Met),
        ("$FileCreateMode 0640\n$FileCreateMode 0600\n", Outcome::Met),
        ("", Outcome::NotMet),
        ("$FileCreateMode 0644\n*.* /x\n", Outcome::NotMet),
        ("$FileCreateMode 640\n*.* /x\n", Outcome::NotMet),
        ("$FileCreateMode\n*.* /x\n", Outcome::NotMet),
        ("#$FileCreateMode 0640\n*.* /x\n", Outcome::NotMet),
        ("$FileCreateModes 0640\n*.* /x\n", Outcome::NotMet),
        ("*.* /x\n$FileCreateMode 0640\n", Outcome::NotMet),
        ("*.* /dev/console\n$FileCreateMode 0640\n*.* /x\n", Outcome::Met),
        ("*.* @@host\n$FileCreateMode 0640\n", Outcome::Met),
        ("$FileCreateMode 0640\n*.* /x\n$FileCreateMode 0644\n", Outcome::NotMet),
        ("$FileCreateMode 0640\n$ResetConfigVariables\n*.* /x\n", Outcome::NotMet),
        ("$FileCreateMode 0640\n*.* /x\n$ResetConfigVariables\n", Outcome::Met),
        ("$FileCreateMode 0640\naction(type=\"omfile\" file=\"/x\")\n", Outcome::NotMet),
        (
            "$FileCreateMode 0640\naction(type=\"omfile\" file=\"/x\" fileCreateMode=\"0600\")\n",
            Outcome::Met,
        ),
        (
            "$FileCreateMode 0640\nmodule(load=\"builtin:omfile\" FileCreateMode=\"0640\")\n\
             action(type=\"omfile\" file=\"/x\")\n",
            Outcome::Met,
        ),
        ("$FileCreateMode 0640\nmodule(load=\"builtin:omfile\")\n", Outcome::Met),
        ("$FileCreateMode 0640\naction(type=\"omfile\"\n", Outcome::Unknown),
    ] {
        assert_eq!(outcome(&root(main)), want, "{main:?}");
    }
}

#[test]
fn prerequisites() {
    assert_eq!(outcome(&bare()), Outcome::NotMet);
    let absent = MemoryRootfs::new().file("/var/lib/dpkg/status", "").file(MAIN, "");
    assert_eq!(outcome(&absent), Outcome::MetVacuously);
    assert_eq!(outcome(&MemoryRootfs::new().file(MAIN, STOCK)), Outcome::Unknown);
    let looping = bare().link(MAIN, "rsyslog.conf");
    assert_eq!(outcome(&looping), Outcome::Unknown);
    for judged in ["$FileCreateMode 0640\\xff", "action(type=\"omfile\" file=\"/\\xff\")"] {
        let text = judged.replace("\\xff", "\u{10ffff}");
        let text = format!("$FileCreateMode 0640\n{text}\n");
        let root = bare().file(MAIN, crate::text::lossless::encode(text));
        assert_eq!(outcome(&root), Outcome::Unknown, "{judged}");
    }
    let elsewhere = b"# \xff\n$FileCreateMode 0640 # \xff\n*.* /var/log/\xff\n";
    assert_eq!(outcome(&bare().file(MAIN, elsewhere)), Outcome::Met);
}

#[test]
fn remedies_change_one_value() {
    let after = |main: &str| settled_text(&WANT, &root(main), MAIN);
    assert_eq!(after(""), "$FileCreateMode 0640\n");
    assert_eq!(after("# c \\"), "# c \\\n\n$FileCreateMode 0640\n");
    for text in ["call\nr /x\n", "set $.a =\n1; *.* /x\n", "call\n"] {
        assert_eq!(after(text), format!("$FileCreateMode 0640\n{text}"));
    }
    assert_eq!(
        after("$Umask 0022\r\n$FileCreateMode 0644\r\n"),
        "$Umask 0022\r\n$FileCreateMode 0640\r\n"
    );
    assert_eq!(
        after("$FileCreateMode 0644\n*.* /x\n$FileCreateMode 0666\n*.* /y\n"),
        "$FileCreateMode 0640\n*.* /x\n$FileCreateMode 0640\n*.* /y\n"
    );
    assert_eq!(
        after("module(load=\"imklog\")\n# rules\n*.*;\\\n mail.none /x"),
        "module(load=\"imklog\")\n# rules\n$FileCreateMode 0640\n*.*;\\\n mail.none /x"
    );
    assert_eq!(
        after("$IncludeConfig /etc/rsyslog.d/*.conf\n$FileCreateMode 0640\n"),
        "$IncludeConfig /etc/rsyslog.d/*.conf\n$FileCreateMode 0640\n",
        "the included files make none"
    );
    assert_eq!(
        after("$FileCreateMode 0640\naction(type=\"omfile\"\n  file=\"/x\")\n"),
        "$FileCreateMode 0640\naction(type=\"omfile\"\n  file=\"/x\" fileCreateMode=\"0640\")\n"
    );
    assert_eq!(
        after("$FileCreateMode 0640\nmodule(load=\"builtin:omfile\" fileCreateMode=\"0644\")\n"),
        "$FileCreateMode 0640\nmodule(load=\"builtin:omfile\" fileCreateMode=\"0640\")\n"
    );
}

#[test]
fn included_files_are_looked_at() {
    let root = root("$IncludeConfig /etc/rsyslog.d/*.conf\n$FileCreateMode 0640\n")
        .file("/etc/rsyslog.d/10-a.conf", "*.* /x\n")
        .file("/etc/rsyslog.d/20-b.conf", "$FileCreateMode 0666\n");
    let staged = stage(&WANT, &root);
    let main = "$FileCreateMode 0640\n$IncludeConfig /etc/rsyslog.d/*.conf\n$FileCreateMode 0640\n";
    assert_eq!(
        changed(&staged),
        [
            (MAIN.to_owned(), main.to_owned()),
            ("/etc/rsyslog.d/20-b.conf".to_owned(), "$FileCreateMode 0640\n".to_owned()),
        ]
    );
}

#[test]
fn what_is_not_ours_to_edit_stays() {
    let linked = root("$FileCreateMode 0640\n$IncludeConfig /etc/rsyslog.d/*.conf\n")
        .file("/usr/share/x.conf", "$FileCreateMode 0644\n")
        .link("/etc/rsyslog.d/x.conf", "/usr/share/x.conf");
    let finding = WANT.audit(&linked).unwrap();
    assert!(fixes(&finding).is_empty());
    assert_eq!(
        reasons(&finding),
        ["/usr/share/x.conf is not below /etc and is not edited; correct it by hand"]
    );

    let reset = root("$ResetConfigVariables\n*.* /x\n");
    let finding = WANT.audit(&reset).unwrap();
    assert!(fixes(&finding).is_empty(), "{finding:?}");
    assert_eq!(
        reasons(&finding),
        ["put `$FileCreateMode 0640` before /etc/rsyslog.conf:2 by hand"]
    );

    let inside = bare().link(MAIN, "conf/rsyslog.conf").file("/etc/conf/rsyslog.conf", "");
    assert_eq!(changed(&stage(&WANT, &inside))[0].0, "/etc/conf/rsyslog.conf");
}

#[test]
fn many_lines_are_one_change() {
    let root = root(&"$FileCreateMode 0644\n".repeat(20_000));
    let finding = WANT.audit(&root).unwrap();
    assert_eq!(fixes(&finding).len(), 1);
}

#[test]
fn what_is_excluded_stays_and_the_rest_is_changed() {
    let open = "action(type=\"omfile\" file=\"/var/log/y\")\n";
    let closed = open.replace(")", " fileCreateMode=\"0640\")");
    let root = root(&format!("$FileCreateMode 0644\n*.* /x\n{open}"));
    let log = Subject::new(SubjectKind::Path, "/var/log/y");
    for (subject, after) in [
        (about(), format!("$FileCreateMode 0644\n*.* /x\n{closed}")),
        (log, format!("$FileCreateMode 0640\n*.* /x\n{open}")),
    ] {
        let scene = root.clone().excluding(subject.clone());
        assert_eq!(changed(&stage(&WANT, &scene)), [(MAIN.to_owned(), after)], "{subject}");
        assert_eq!(reasons_on(&WANT, &scene).len(), 1);
    }
    let unstated = super::tests::root("*.* /x\n");
    let main = Subject::path(&testing::path(MAIN));
    for subject in [about(), main.clone()] {
        assert!(changed(&stage(&WANT, &unstated.clone().excluding(subject))).is_empty());
    }
    assert!(changed(&stage(&WANT, &root.excluding(main))).is_empty(), "the file itself");
}
