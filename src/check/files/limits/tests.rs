//! Tests of `limits`.

use super::*;
use crate::check::Outcome;
use crate::check::testing::{Run, Scene, changed, fixes, gaps, reasons, settled_text, stage};
use crate::rootfs::MemoryRootfs;

const OURS: &str = "/etc/security/limits.d/60-CIS.conf";
const LATER: &str = "/etc/security/limits.d/90-x.conf";

fn core() -> Limits {
    toml::from_str(&format!("item = 'core'\nvalue = 0\npath = '{OURS}'")).unwrap()
}

fn stock() -> MemoryRootfs {
    MemoryRootfs::new()
        .file(MAIN, "# limits\n#*               hard    core            0\n")
        .file("/var/lib/dpkg/status", "")
        .file("/var/lib/dpkg/info/libpam-modules.list", format!("{MAIN}\n"))
}

fn outcome(root: &MemoryRootfs) -> Outcome {
    crate::check::testing::outcome(&core(), root)
}

#[test]
fn a_line_for_everybody_anywhere_will_do() {
    use Outcome::{Met, NotMet};
    assert_eq!(outcome(&stock()), NotMet);
    assert_eq!(settled_text(&core(), &stock(), OURS), "* hard core 0\n");
    for (line, wanted) in [
        ("* hard core 0", Met),
        ("*\t-\tCORE\t0 # x\r\n", Met),
        ("* hard core 0\n* hard core 0\n", Met),
        ("* hard core 1\n* hard core 0\n", Met),
        ("* hard core 0\n* hard core 1\n", NotMet),
        ("* soft core 0\n", NotMet),
        ("# * hard core 0\n", NotMet),
        ("* hard cores 0\n", NotMet),
        ("root hard core 0\n", NotMet),
        ("@all hard core 0\n", NotMet),
        ("* hard core 00\n", Met),
        ("", NotMet),
    ] {
        for path in [MAIN, "/etc/security/limits.d/10-a.conf", OURS] {
            let root = stock().file(path, line);
            assert_eq!(outcome(&root), wanted, "{path} {line:?}");
            assert_eq!(changed(&stage(&core(), &root)).is_empty(), wanted == Met);
        }
    }
    let not_read = stock().file("/etc/security/limits.d/a.cnf", "* hard core 0\n");
    assert_eq!(outcome(&not_read), NotMet);
}

#[test]
fn a_line_for_both_limits_yields_to_an_earlier_soft_limit() {
    let both = "* - core 0\n";
    for (before, wanted) in [
        ("1000: soft core unlimited\n", Outcome::NotMet),
        ("@adm - core 0\n", Outcome::NotMet),
        ("mary soft core 1\n", Outcome::NotMet),
        ("* soft core 1\n", Outcome::Met),
        ("root soft core 1\n", Outcome::Met),
        ("mary soft nofile 1\n", Outcome::Met),
        ("mary hard core 0\n", Outcome::Met),
        ("mary soft core x\n", Outcome::Met),
    ] {
        let root = stock().file(LATER, format!("{before}{both}"));
        assert_eq!(outcome(&root), wanted, "{before}");
        assert_eq!(outcome(&stock().file(LATER, format!("{both}{before}"))), Outcome::Met);
        if wanted == Outcome::NotMet {
            assert_eq!(settled_text(&core(), &root, OURS), "* hard core 0\n", "{before}");
        }
    }
}

#[test]
fn ours_is_read_after_earlier_files_and_corrected_in_place() {
    let root = stock().file(MAIN, "* hard core unlimited\n").file(OURS, "* hard nproc 5");
    assert_eq!(settled_text(&core(), &root, OURS), "* hard nproc 5\n* hard core 0\n");
    let root = stock().file(OURS, "* - core 7\n* hard nproc 5\n");
    assert_eq!(settled_text(&core(), &root, OURS), "* hard core 0\n* hard nproc 5\n");
}

#[test]
fn a_later_line_is_switched_off_where_the_file_is_nobodys() {
    let root = stock().file(LATER, "* hard core 5\n* hard nproc 9\n");
    let staged = stage(&core(), &root);
    assert_eq!(core().audit(&staged).unwrap().outcome(), Outcome::Met);
    let changes = changed(&staged);
    assert_eq!(changes[0], (OURS.into(), "* hard core 0\n".into()));
    assert_eq!(changes[1], (LATER.into(), "# gokaku: * hard core 5\n* hard nproc 9\n".into()));
    let owned = root.file("/var/lib/dpkg/info/x.list", format!("{LATER}\n"));
    let finding = core().audit(&owned).unwrap();
    assert!(fixes(&finding).is_empty());
    assert!(reasons(&finding)[0].contains("90-x.conf belongs to a package"), "{finding:?}");
    let unknown = stock().without("/var/lib").file(LATER, "* hard core 5\n");
    assert!(reasons(&core().audit(&unknown).unwrap())[0].contains("may belong to a package"));
}

#[test]
fn users_groups_and_ranges_outrank_everybody() {
    for line in
        ["mary hard core 5", "@adm - core unlimited", "1000: hard core -1", "mary -", "@adm -"]
    {
        let root = stock()
            .file(OURS, "* hard core 0\n")
            .file("/etc/security/limits.d/10-a.conf", format!("{line}\n"));
        assert_eq!(outcome(&root), Outcome::NotMet, "{line}");
        let text = settled_text(&core(), &root, "/etc/security/limits.d/10-a.conf");
        assert_eq!(text, format!("# gokaku: {line}\n"));
        let owned = stock().file(OURS, "* hard core 0\n").file(MAIN, line);
        let finding = core().audit(&owned).unwrap();
        assert!(reasons(&finding)[0].contains("limits.conf belongs to a package"), "{line}");
    }
    for fine in [
        "mary hard core 0",
        "mary hard core 5\nmary hard core 0",
        "mary soft core 5",
        "root hard core unlimited",
        "root -",
        "* -",
        "% hard core 5",
        "@adm hard nofile 5",
    ] {
        let root = stock().file(OURS, "* hard core 0\n").file(LATER, fine);
        assert_eq!(outcome(&root), Outcome::Met, "{fine}");
    }
}

#[test]
fn excluded_subjects_keep_their_lines() {
    let lines = "mary hard core 5\n@adm - core 1\n* hard core 7\n1000: hard core 3\n";
    let root = stock().file(LATER, lines);
    let all = [
        Subject::account(b"mary"),
        Subject::group(b"adm"),
        Subject::key("core"),
        Subject::key("1000: core"),
    ];
    let found: Vec<Subject> = gaps(&core(), &root).into_iter().map(|gap| gap.subject).collect();
    assert_eq!(found, all);
    for (kept, line) in all.into_iter().zip(lines.lines()) {
        let scene = root.clone().excluding(kept.clone());
        let staged = stage(&core(), &scene);
        let left = gaps(&core(), scene_on(&scene, &staged));
        assert_eq!(left.len(), 1, "{left:?}");
        assert_eq!(left[0].subject, kept);
        let expected: String = lines
            .lines()
            .map(|l| if l == line { format!("{l}\n") } else { format!("# gokaku: {l}\n") })
            .collect();
        let mut changes = changed(&staged);
        assert_eq!(changes.pop(), Some((LATER.to_owned(), expected)));
        // What everybody gets is written unless that is excluded.
        let ours = (OURS.to_owned(), "* hard core 0\n".to_owned());
        assert_eq!(changes, if line.starts_with('*') { vec![] } else { vec![ours] });
    }
}

fn scene_on<'a>(scene: &'a Scene, root: &'a dyn Rootfs) -> Audit<'a> {
    Audit::from(scene).on(root)
}

#[test]
fn what_ends_sessions_is_noted() {
    let root = MemoryRootfs::new()
        .file(OURS, "* hard core 0\n")
        .link("/etc/security/limits.d/a.conf", "/nowhere")
        .link("/etc/security/limits.d/b.conf", "/dev/null");
    let Finding::Met(evidence) = core().audit(&root).unwrap() else { panic!() };
    let notes: Vec<_> =
        evidence.iter().filter_map(|e| e.note.as_ref().map(ToString::to_string)).collect();
    assert_eq!(notes.len(), 2);
    assert!(notes.iter().all(|n| n.contains("refuses every session")));
}

#[test]
fn links() {
    let inside = stock().file("/etc/own", "* hard core 1\n").link(OURS, "/etc/own");
    assert_eq!(settled_text(&core(), &inside, "/etc/own"), "* hard core 0\n");
    let outside = stock().file("/usr/own", "* hard core 1\n").link(OURS, "/usr/own");
    assert!(fixes(&core().audit(&outside).unwrap()).is_empty());
    assert!(core().audit(&stock().link(OURS, OURS)).is_err());
    for judged in [&b"* hard core 0\xff"[..], b"\xff hard core 0", b"@x - core 1\xff"] {
        let root = stock().file(OURS, "* hard core 0\n").file(LATER, judged);
        assert_eq!(outcome(&root), Outcome::Unknown, "{judged:?}");
    }
    for elsewhere in [&b"\xff"[..], b"* hard core 0 # \xff", b"\xff hard nproc 9"] {
        let root = stock().file(OURS, "* hard core 0\n").file(LATER, elsewhere);
        assert_eq!(outcome(&root), Outcome::Met, "{elsewhere:?}");
    }
}

#[test]
fn many_lines_are_no_matter() {
    let text = "* hard core 1\nmary hard core 1\n".repeat(100_000);
    let root = stock().file(LATER, text);
    let text = settled_text(&core(), &root, LATER);
    assert_eq!(text.matches("# gokaku: ").count(), 200_000);
}
