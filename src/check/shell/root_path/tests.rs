use super::*;
use crate::check::Outcome;
use crate::check::testing::{self, Run, fixes, gaps, path, reasons, stage};
use crate::rootfs::MemoryRootfs;

const SIX: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

fn root() -> MemoryRootfs {
    let mut root = MemoryRootfs::new()
        .file("/etc/passwd", "root:x:0:0::/root:/bin/bash\nann:x:1000:1000::/opt/ann:/bin/sh\n")
        .file("/etc/environment", format!("PATH=\"{SIX}\"\n"))
        .file("/etc/login.defs", format!("ENV_SUPATH\tPATH={SIX}\n"))
        .file("/etc/sudoers", format!("Defaults\tsecure_path=\"{SIX}\"\n#includedir /etc/sudoers.d\n"))
        .file(
            "/etc/profile",
            format!(
                "if [ \"$(id -u)\" -eq 0 ]; then\n  PATH=\"{SIX}\"\nelse\n  PATH=\"/usr/games\"\nfi\nexport PATH\n"
            ),
        );
    for dir in SIX.split(':') {
        root = root.dir(dir, 0o755, 0, 0);
    }
    root
}

fn outcome(root: &MemoryRootfs) -> Outcome {
    testing::outcome(&RootPath {}, root)
}

fn why(root: &MemoryRootfs) -> String {
    testing::stuck(&RootPath {}, root)
}

#[test]
fn a_stock_image_passes() {
    let Finding::Met(evidence) = RootPath {}.audit(&root()).unwrap() else { panic!() };
    assert_eq!(evidence.len(), 4);
    assert_eq!(outcome(&MemoryRootfs::new()), Outcome::Met);
    let snap = root().file("/etc/environment", format!("PATH=\"{SIX}:/snap/bin\"\n")).file(
        "/etc/profile.d/apps-bin-path.sh",
        "snap_bin_path=\"/snap/bin\"\nif [ -n \"${PATH##*${snap_bin_path}}\" ]; then\n\
             export PATH=$PATH:${snap_bin_path}\nfi\n",
    );
    let Finding::Met(evidence) = RootPath {}.audit(&snap).unwrap() else { panic!() };
    let notes: Vec<_> =
        evidence.iter().filter_map(|e| e.note.as_ref().map(ToString::to_string)).collect();
    assert_eq!(notes, ["/snap/bin exists only where snapd is"]);
}

#[test]
fn text_that_is_wrong_is_told_and_not_changed() {
    for (file, text) in [
        ("/root/.bashrc", "PATH=$PATH:\n"),
        ("/root/.profile", "export PATH=.:$PATH\n"),
        ("/root/.bash_login", "PATH=:/bin\n"),
        ("/etc/profile.d/x.sh", "PATH=/bin::/sbin\n"),
        ("/etc/bash.bashrc", "PATH=bin\n"),
        ("/etc/environment", "PATH=\"$PATH:/bin\"\n"),
        ("/etc/login.defs", "ENV_SUPATH PATH=/bin:\n"),
        ("/etc/sudoers.d/x", "Defaults secure_path=/bin:\n"),
    ] {
        let want = format!("remove the element from {file}:1 by hand");
        assert_eq!(why(&root().file(file, text)), want);
    }
    assert!(why(&root().file("/root/.bashrc", "PATH=/gone")).starts_with("create /gone"));
    let file = root().file("/root/.bashrc", "PATH=/bin/sh").file("/bin/sh", "");
    assert_eq!(why(&file), "remove /bin/sh from /root/.bashrc:1 by hand");
    for passed_over in [
        ("/root/.bashrc", "#PATH=:\n"),
        ("/root/.bashrc", "MYPATH=:\n"),
        ("/root/.bashrc", "PATH=: make\n"),
        ("/root/.zshrc", "PATH=:\n"),
        ("/etc/profile.d/x.csh", "PATH=:\n"),
        ("/etc/sudoers.d/x.bak", "Defaults secure_path=:\n"),
        ("/etc/environment", "PATH=:\nPATH=/bin\n"),
    ] {
        assert_eq!(
            outcome(&root().file(passed_over.0, passed_over.1)),
            Outcome::Met,
            "{passed_over:?}"
        );
    }
}

#[test]
fn what_cannot_be_told_is_for_a_person() {
    for text in [
        "PATH=\"$HOME/bin:$PATH\"\n",
        "PATH=$(x):/bin\n",
        "PATH=~/bin:$PATH",
        "PATH=/run/x",
        "PATH=/bin/../sbin",
    ] {
        let finding = RootPath {}.audit(&root().file("/root/.profile", text)).unwrap();
        let Finding::Manual(evidence) = finding else { panic!("{text}: {finding:?}") };
        assert!(evidence[0].note.as_ref().unwrap().to_string().starts_with("check by hand what "));
    }
    let both = root().file("/root/.profile", "PATH=$HOME/bin:\n");
    assert_eq!(outcome(&both), Outcome::NotMet, "what is certain comes first");
    assert_eq!(outcome(&root().link("/root/.profile", ".profile")), Outcome::Unknown);
    let judged = root().file("/root/.profile", b"PATH=/usr/\xff:/bin\n");
    assert_eq!(outcome(&judged), Outcome::Unknown);
    let elsewhere = root().file("/root/.profile", b"# \xff\nPS1=\xff\nPATH=/bin # \xff\n");
    assert_eq!(outcome(&elsewhere), Outcome::Met);
    let live = root().file("/root/.profile", "PATH=/run/x").dir("/run/x", 0o755, 0, 0).live();
    assert_eq!(outcome(&live), Outcome::Met);
}

#[test]
fn modes_and_owners_of_system_directories_are_put_right() {
    let loose = root()
        .dir("/usr/local/bin", 0o2775, 0, 50)
        .dir("/usr/local/sbin", 0o755, 7, 0)
        .dir("/usr/sbin", 0o777, 7, 7);
    let staged = stage(&RootPath {}, &loose);
    let stat = |path: &str| {
        let s = staged.stat(&ImagePath::parse(path).unwrap()).unwrap().unwrap();
        (s.mode, s.uid, s.gid)
    };
    assert_eq!(stat("/usr/local/bin"), (0o2755, 0, 50));
    assert_eq!(stat("/usr/local/sbin"), (0o755, 0, 0));
    assert_eq!(stat("/usr/sbin"), (0o755, 0, 7));
    assert_eq!(staged.changes().unwrap().len(), 3);
    assert_eq!(RootPath {}.audit(&staged).unwrap().outcome(), Outcome::Met);

    let merged = root().without("/bin").link("/bin", "usr/bin").dir("/usr/bin", 0o775, 0, 0);
    assert_eq!(stage(&RootPath {}, &merged).changes().unwrap().len(), 1);

    for (dir, mode) in [("/srv/bin", 0o777), ("/opt/ann/bin", 0o775), ("/root/bin", 0o777)] {
        let foreign =
            root().dir(dir, mode, 0, 0).file("/root/.bashrc", format!("PATH={dir}:$PATH"));
        assert!(
            why(&foreign).starts_with(&format!("{dir} is no directory of the system")),
            "{dir}"
        );
    }
    let link = root().link("/usr/mine", "/srv").dir("/srv", 0o777, 0, 0);
    assert!(why(&link.file("/root/.bashrc", "PATH=/usr/mine")).starts_with("/srv is no directory"));
    let opt = root().dir("/opt/x/bin", 0o777, 0, 0).file("/root/.bashrc", "PATH=/opt/x/bin");
    assert_eq!(fixes(&RootPath {}.audit(&opt).unwrap()).len(), 1);
}

#[test]
fn an_excluded_directory_stays() {
    let loose = root()
        .dir("/usr/local/bin", 0o775, 0, 0)
        .dir("/usr/sbin", 0o777, 0, 0)
        .file("/root/.bashrc", "PATH=/gone:$PATH\n");
    let bin = Subject::path(&path("/usr/local/bin"));
    let held = loose.excluding(bin.clone()).excluding(Subject::path(&path("/gone")));
    let changes = stage(&RootPath {}, &held).changes().unwrap();
    let changed: Vec<_> = changes.iter().map(|c| c.path.to_string()).collect();
    assert_eq!(changed, ["/usr/sbin"]);
    assert_eq!(testing::held(&RootPath {}, &held), 2);
    assert!(gaps(&RootPath {}, &held).iter().any(|gap| gap.subject == bin));
}

#[test]
fn nobody_s_home_is_a_directory_of_the_system() {
    let changed = |line: &str, defs: &str| {
        let root = root()
            .file("/etc/passwd", format!("root:x:0:0::/root:/bin/bash\n{line}\n"))
            .file("/etc/login.defs", defs)
            .file("/root/.bashrc", "PATH=/opt/ann/bin:$PATH")
            .dir("/opt/ann/bin", 0o775, 7, 0);
        !fixes(&RootPath {}.audit(&root).unwrap()).is_empty()
    };
    for (line, defs, is_system) in [
        ("ann:x:1000:1000::/opt/ann:/bin/sh", "", false),
        ("ann:x:1000:1000::/opt/ann:/usr/sbin/nologin", "", false),
        ("ann:x:999:999::/opt/ann:/bin/sh", "", true),
        ("ann:x:500:500::/opt/ann:/bin/sh", "UID_MIN 500\n", false),
        ("ann:x:1000:1000::/opt/ann:/bin/sh", "UID_MIN 5000\n", true),
        ("ann:x:65533:1000::/opt/ann:/bin/sh", "", false),
        ("ann:x:7:7::/opt/ann:/bin/sh", "UID_MIN 65000\n", false),
    ] {
        assert_eq!(changed(line, defs), is_system, "{line} {defs}");
    }
}

#[test]
fn includes_without_end_and_many_elements() {
    let looping =
        root().file("/etc/sudoers", "@include /etc/sudoers\n@include sudoers\n#include x%h\n");
    assert_eq!(outcome(&looping), Outcome::Met);
    let mut crowd = root();
    for i in 0..500 {
        crowd = crowd.file(&format!("/etc/sudoers.d/{i}"), "");
    }
    let crowd = crowd.file("/etc/sudoers", "@includedir /etc/sudoers.d\n");
    let e = RootPath {}.audit(&crowd).unwrap_err().to_string();
    assert!(e.starts_with("/etc/sudoers:1: found more than 500 files"), "{e}");
    let many = root().file("/root/.bashrc", format!("PATH={}", "/bin:".repeat(100_000)));
    assert_eq!(outcome(&many), Outcome::NotMet);
    let empty = root().file("/root/.bashrc", format!("PATH={}", ":".repeat(100_000)));
    assert_eq!(reasons(&RootPath {}.audit(&empty).unwrap()).len(), 1);
}
