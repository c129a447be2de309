mod ufw;

use super::*;
use crate::check::testing::{
    Run, changed_by_path, gaps, outcome, parse_fields, settled, stage, stage_on, stuck,
};
use crate::check::{Fix, Outcome};
use crate::rootfs::{FileKind, MemoryRootfs, Rootfs, StagedRootfs};

const OWN: &str = "/etc/sysctl.d/60-CIS.conf";
const LATE: &str = "/etc/sysctl.d/99-zz-CIS.conf";

const KEY: &str = "net.ipv4.conf.all.rp_filter";
const RIGHT: &str = "net.ipv4.conf.all.rp_filter = 1\n";
const WRONG: &str = "net.ipv4.conf.all.rp_filter = 2\n";
const OFF: &str = "# gokaku: net.ipv4.conf.all.rp_filter = 2\n";

fn check(key: &str, value: &str) -> Sysctl {
    let (key, value) = (key.into(), value.into());
    let (file, late_file) = (ImagePath::parse(OWN).unwrap(), ImagePath::parse(LATE).unwrap());
    Sysctl { key, value, keep_cni_owned: false, file, late_file }
}

fn rp() -> Sysctl {
    check(KEY, "1")
}

fn root(files: &[(&str, &str)]) -> MemoryRootfs {
    let empty = MemoryRootfs::new().dir("/etc", 0o755, 0, 0);
    files.iter().fold(empty, |root, (path, text)| root.file(path, text))
}

/// As shipped: the link that makes systemd-sysctl read `/etc/sysctl.conf`.
fn stock(files: &[(&str, &str)]) -> MemoryRootfs {
    let root = root(files).link("/etc/sysctl.d/99-sysctl.conf", "../sysctl.conf");
    if files.iter().any(|(path, _)| *path == "/etc/sysctl.conf") {
        root
    } else {
        root.file("/etc/sysctl.conf", "# nothing\n")
    }
}

fn versions(systemd: &str, procps: &str) -> String {
    format!(
        "Package: systemd\nStatus: install ok installed\nVersion: {systemd}\n\n\
         Package: procps\nStatus: install ok installed\nVersion: 2:{procps}\n"
    )
}

const STATUS: &str = "/var/lib/dpkg/status";

#[test]
fn what_is_met() {
    for (why, files) in [
        ("our file", vec![(OWN, RIGHT)]),
        ("odd spacing", vec![(OWN, "  net.ipv4.conf.all.rp_filter=\t1  ")]),
        ("slashes", vec![(OWN, "net/ipv4/conf/all/rp_filter = 1\n")]),
        ("carriage return", vec![(OWN, "net.ipv4.conf.all.rp_filter = 1\r\n")]),
        (
            "duplicate",
            vec![(OWN, "net.ipv4.conf.all.rp_filter = 1\nnet.ipv4.conf.all.rp_filter = 1\n")],
        ),
        (
            "last wins",
            vec![(OWN, "net.ipv4.conf.all.rp_filter = 2\nnet.ipv4.conf.all.rp_filter = 1\n")],
        ),
        ("stock", vec![("/etc/sysctl.d/10-network-security.conf", RIGHT)]),
        ("the vendor's", vec![("/usr/lib/sysctl.d/50-x.conf", RIGHT)]),
        ("sysctl.conf", vec![("/etc/sysctl.conf", RIGHT)]),
        ("wrong earlier", vec![(OWN, RIGHT), ("/etc/sysctl.d/10-x.conf", WRONG)]),
        ("wrong in between", vec![(OWN, WRONG), ("/etc/sysctl.d/70-x.conf", RIGHT)]),
        (
            "hidden vendor file",
            vec![(OWN, RIGHT), ("/etc/sysctl.d/70-x.conf", ""), ("/lib/sysctl.d/70-x.conf", WRONG)],
        ),
        ("no .conf", vec![(OWN, RIGHT), ("/etc/sysctl.d/70-x.conf.bak", WRONG)]),
        (
            "wrong in a comment",
            vec![(OWN, RIGHT), ("/etc/sysctl.d/70-x.conf", "#net.ipv4.conf.all.rp_filter = 2\n")],
        ),
        (
            "another key",
            vec![(OWN, RIGHT), ("/etc/sysctl.d/70-x.conf", "net.ipv4.conf.all.rp_filter2 = 2\n")],
        ),
        (
            "a NIC",
            vec![(OWN, RIGHT), ("/etc/sysctl.d/70-x.conf", "net.ipv4.conf.eth0.rp_filter = 2\n")],
        ),
        (
            "a dash, on 18.04",
            vec![(OWN, RIGHT), ("/etc/sysctl.d/70-x.conf", "-net.ipv4.conf.all.rp_filter = 2\n")],
        ),
        (
            "a glob",
            vec![(OWN, RIGHT), ("/etc/sysctl.d/70-x.conf", "net.ipv4.conf.*.rp_filter = 2\n")],
        ),
        ("hidden file sorts first", vec![(OWN, RIGHT), ("/etc/sysctl.d/.99.conf", WRONG)]),
        ("run is not there yet", vec![(OWN, RIGHT), ("/run/sysctl.d/99-x.conf", WRONG)]),
    ] {
        let root = stock(&files);
        let finding = rp().audit(&root).unwrap();
        let Finding::Met(evidence) = &finding else { panic!("{why}: {finding:?}") };
        assert_eq!(
            evidence[0].found.as_ref().map(ToString::to_string).as_deref(),
            Some("1"),
            "{why}"
        );
        assert!(evidence[0].path.is_some() && evidence[0].line.is_some(), "{why}");
        assert!(changed_by_path(&settled(&rp(), &root)).is_empty(), "{why}");
    }
}

#[test]
fn what_is_closed_in_our_file() {
    for (why, text, want) in [
        ("absent", None, RIGHT),
        ("empty", Some(""), RIGHT),
        (
            "key missing",
            Some("kernel.panic = 10\n"),
            "kernel.panic = 10\nnet.ipv4.conf.all.rp_filter = 1\n",
        ),
        ("wrong", Some(WRONG), RIGHT),
        (
            "in a comment",
            Some("; net.ipv4.conf.all.rp_filter = 1"),
            "; net.ipv4.conf.all.rp_filter = 1\n\nnet.ipv4.conf.all.rp_filter = 1\n",
        ),
        (
            "conflicting",
            Some("net.ipv4.conf.all.rp_filter = 1\nnet.ipv4.conf.all.rp_filter=0\n"),
            "net.ipv4.conf.all.rp_filter = 1\nnet.ipv4.conf.all.rp_filter=1\n",
        ),
        ("trailing comment", Some("net.ipv4.conf.all.rp_filter = 1 # on\n"), RIGHT),
        (
            "other case",
            Some("NET.ipv4.conf.all.rp_filter = 1\n"),
            "NET.ipv4.conf.all.rp_filter = 1\nnet.ipv4.conf.all.rp_filter = 1\n",
        ),
        (
            "no final newline",
            Some("kernel.panic = 10"),
            "kernel.panic = 10\nnet.ipv4.conf.all.rp_filter = 1\n",
        ),
        (
            "dos",
            Some("kernel.panic = 10\r\nnet.ipv4.conf.all.rp_filter = 0\r\n"),
            "kernel.panic = 10\r\nnet.ipv4.conf.all.rp_filter = 1\r\n",
        ),
        (
            "a dash sets nothing on 18.04",
            Some("-net.ipv4.conf.all.rp_filter = 1\n"),
            "-net.ipv4.conf.all.rp_filter = 1\nnet.ipv4.conf.all.rp_filter = 1\n",
        ),
        (
            "nor does a glob",
            Some("net.ipv4.conf.*.rp_filter = 1\n"),
            "net.ipv4.conf.*.rp_filter = 1\nnet.ipv4.conf.all.rp_filter = 1\n",
        ),
    ] {
        let root = text.map_or(stock(&[]), |text| stock(&[(OWN, text)]));
        let changes = changed_by_path(&settled(&rp(), &root));
        assert_eq!(changes.get(OWN).map(String::as_str), Some(want), "{why}");
        assert_eq!(changes.len(), 1, "{why}");
    }
}

#[test]
fn the_file_of_aks_is_kept() {
    let aks = "# 3.1.2 Ensure packet redirect sending is disabled\n\
               net.ipv4.conf.all.send_redirects = 0\n\
               net.ipv4.conf.default.send_redirects = 0\n\
               # for the kubelet\n\
               vm.overcommit_memory = 1\nkernel.panic = 10\n";
    let root = stock(&[(OWN, aks)]);
    assert_eq!(outcome(&check("net.ipv4.conf.all.send_redirects", "0"), &root), Outcome::Met);
    let changes = changed_by_path(&settled(&rp(), &root));
    assert_eq!(changes[OWN], format!("{aks}\n{RIGHT}"));
}

#[test]
fn a_new_file_is_readable_by_all() {
    let root = root(&[]);
    let staged = settled(&rp(), &root);
    let stat = staged.stat(&ImagePath::parse(OWN).unwrap()).unwrap().unwrap();
    assert_eq!((stat.mode, stat.uid, stat.gid), (0o644, 0, 0));
}

#[test]
fn later_lines_in_etc_are_switched_off() {
    let later = "/etc/sysctl.d/70-x.conf";
    let root = stock(&[(OWN, RIGHT), (later, WRONG), ("/etc/sysctl.d/999-y.conf", WRONG)]);
    let changes = changed_by_path(&settled(&rp(), &root));
    assert_eq!(changes[later], OFF);
    assert_eq!(changes["/etc/sysctl.d/999-y.conf"], OFF);
    assert_eq!(changes.len(), 2);
}

#[test]
fn sysctl_conf_is_edited_once_through_its_link() {
    let root = stock(&[(OWN, RIGHT), ("/etc/sysctl.conf", WRONG)]);
    assert_eq!(gaps(&rp(), &root).len(), 1);
    let staged = settled(&rp(), &root);
    assert_eq!(changed_by_path(&staged)["/etc/sysctl.conf"], OFF);
    assert_eq!(changed_by_path(&staged).len(), 1);
    // Without the link only procps reads it, last of all.
    let files = [("/etc/sysctl.d/999-y.conf", RIGHT), ("/etc/sysctl.conf", WRONG)];
    let changes = changed_by_path(&settled(&rp(), &self::root(&files)));
    assert_eq!(changes["/etc/sysctl.conf"], OFF);
    assert_eq!(changes[OWN], RIGHT);
}

#[test]
fn a_later_vendor_file_is_outranked_or_hidden() {
    let root = stock(&[("/usr/lib/sysctl.d/70-x.conf", WRONG)]);
    let changes = changed_by_path(&settled(&rp(), &root));
    assert_eq!((&*changes[OWN], &*changes[LATE]), (RIGHT, RIGHT));
    assert_eq!(changes.len(), 2);
    let vendor =
        ("/usr/local/lib/sysctl.d/zz.conf", "kernel.panic = 1\nnet.ipv4.conf.all.rp_filter = 2\n");
    let changes = changed_by_path(&settled(&rp(), &stock(&[vendor])));
    assert_eq!(changes["/etc/sysctl.d/zz.conf"], format!("kernel.panic = 1\n{OFF}"));
    assert_eq!(changes[OWN], RIGHT);
    assert_eq!(changes.len(), 2);
}

#[test]
fn a_vendor_line_that_does_not_decide_stays() {
    let root = stock(&[
        ("/lib/sysctl.d/70-x.conf", WRONG),
        ("/etc/sysctl.d/80-x.conf", RIGHT),
        ("/etc/sysctl.d/90-x.conf", WRONG),
    ]);
    let changes = changed_by_path(&settled(&rp(), &root));
    assert_eq!(
        changes.keys().map(String::as_str).collect::<Vec<_>>(),
        [OWN, "/etc/sysctl.d/90-x.conf"]
    );
}

#[test]
fn what_our_file_would_hide_is_kept() {
    let root = stock(&[("/lib/sysctl.d/60-CIS.conf", "kernel.panic = 1\n")]);
    let changes = changed_by_path(&settled(&rp(), &root));
    assert_eq!(changes[OWN], format!("kernel.panic = 1\n{RIGHT}"));
}

#[test]
fn newer_readers_take_more_lines() {
    let newer = versions("247.3-7+deb11u5", "3.3.17-5");
    let bionic = versions("237-3ubuntu10", "3.3.12-3ubuntu1");
    let dash = "-net.ipv4.conf.all.rp_filter = 2\n";
    for (status, text, want) in [
        (&bionic, dash, Outcome::Met),
        (&newer, dash, Outcome::NotMet),
        (&newer, "-net.ipv4.conf.all.rp_filter\n", Outcome::NotMet),
        (&newer, "net.ipv4.conf.*.rp_filter = 2\n", Outcome::Met),
    ] {
        let later = "/etc/sysctl.d/70-x.conf";
        let root = stock(&[(STATUS, status), (OWN, RIGHT), (later, text)]);
        assert_eq!(outcome(&rp(), &root), want, "{text:?}");
        if want == Outcome::NotMet {
            assert_eq!(changed_by_path(&settled(&rp(), &root))[later], format!("# gokaku: {text}"));
        }
    }
    // The value by a dash alone: right for the newer programs.
    let root = stock(&[(STATUS, &newer), (OWN, "-net.ipv4.conf.all.rp_filter = 1\n")]);
    assert_eq!(outcome(&rp(), &root), Outcome::Met);
}

#[test]
fn a_file_of_a_network_plug_in() {
    let cni = "/etc/sysctl.d/99-zzz-override_cilium.conf";
    let root = stock(&[(cni, "net.ipv4.conf.all.rp_filter = 0\n")]);
    let keep = Sysctl { keep_cni_owned: true, ..rp() };
    let staged = stage(&keep, &root);
    assert_eq!(changed_by_path(&staged).keys().collect::<Vec<_>>(), [OWN]);
    let left = gaps(&keep, &staged);
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].evidence.path.as_ref().unwrap().to_string(), cni);
    assert!(matches!(&left[0].fix, Fix::None(why) if why.to_string().contains("plug-in")));
    settled(&rp(), &root);
    let per_nic = stock(&[(OWN, RIGHT), (cni, "net.ipv4.conf.lxc*.rp_filter = 0\n")]);
    assert_eq!(outcome(&keep, &per_nic), Outcome::Met);
}

const UFW: &str = "/etc/ufw/sysctl.conf";
const DEFAULTS: (&str, &str) = ("/etc/default/ufw", "IPV6=yes\nIPT_SYSCTL=/etc/ufw/sysctl.conf\n");

#[test]
fn an_excluded_parameter_stays_and_another_is_set() {
    let both = "net.ipv4.conf.all.rp_filter = 2\nkernel.randomize_va_space = 0\n";
    let files = [
        ("/etc/sysctl.d/70-x.conf", both),
        ("/lib/sysctl.d/70-y.conf", both),
        ("/lib/sysctl.d/zz.conf", both),
        DEFAULTS,
        ("/etc/ufw/ufw.conf", "ENABLED=yes\n"),
        (UFW, "net/ipv4/conf/all/rp_filter=2\n"),
    ];
    let subject = Subject::key(KEY);
    let scene = stock(&files).excluding(subject.clone());
    let left = gaps(&rp(), &scene);
    assert_eq!(left.len(), 5, "{left:?}");
    assert!(left.iter().all(|gap| gap.subject == subject), "{left:?}");
    assert!(stuck(&rp(), &scene).contains("rp_filter is protected"));
    let changes = changed_by_path(&settled(&check("kernel.randomize_va_space", "2"), &scene));
    assert_eq!(changes[OWN], "kernel.randomize_va_space = 2\n");
    for file in ["/etc/sysctl.d/70-x.conf", "/etc/sysctl.d/zz.conf"] {
        assert_eq!(changes[file], format!("{WRONG}# gokaku: kernel.randomize_va_space = 0\n"));
    }
}

#[test]
fn links() {
    let null = stock(&[("/lib/sysctl.d/70-x.conf", WRONG), (OWN, RIGHT)])
        .link("/etc/sysctl.d/70-x.conf", "/dev/null");
    assert_eq!(outcome(&rp(), &null), Outcome::Met, "a null link hides");
    let inside = stock(&[("/etc/cis/s", "a.b = 1\n")]).link(OWN, "../cis/s");
    let changes = changed_by_path(&settled(&rp(), &inside));
    assert_eq!(changes["/etc/cis/s"], format!("a.b = 1\n{RIGHT}"));
    assert_eq!(changes.len(), 1);
    for outside in [
        stock(&[("/usr/share/x", "")]).link(OWN, "/usr/share/x"),
        stock(&[]).link(OWN, "/dev/null"),
        root(&[]).link("/etc/sysctl.d", "/usr/share"),
        stock(&[]).dir(OWN, 0o755, 0, 0),
        stock(&[("/usr/x", WRONG), (OWN, RIGHT)]).link("/etc/sysctl.d/999-x.conf", "/usr/x"),
        root(&[("/usr/x", WRONG), (OWN, RIGHT)]).link("/etc/sysctl.conf", "/usr/x"),
    ] {
        let gaps = gaps(&rp(), &outside);
        assert_eq!(gaps.len(), 1, "{gaps:?}");
        assert!(matches!(gaps[0].fix, Fix::None(_)), "{gaps:?}");
    }
    // A link out of /etc that sorts before our late file is outranked.
    let link = stock(&[("/usr/x", WRONG)]).link("/etc/sysctl.d/70-x.conf", "/usr/x");
    assert_eq!(changed_by_path(&settled(&rp(), &link))[LATE], RIGHT);
    let looped = stock(&[]).link("/etc/sysctl.d/70-x.conf", "70-x.conf");
    assert_eq!(outcome(&rp(), &looped), Outcome::Unknown);
}

#[test]
fn a_dangling_link_is_noted() {
    let root = root(&[(OWN, RIGHT)]).link("/etc/sysctl.d/99-sysctl.conf", "../sysctl.conf");
    let Finding::Met(evidence) = rp().audit(&root).unwrap() else { panic!() };
    assert!(evidence.iter().any(|e| {
        e.note.as_ref().map(ToString::to_string).as_deref().is_some_and(|n| n.contains("nowhere"))
    }));
}

#[test]
fn what_cannot_be_judged() {
    let fifo = stock(&[]).special("/etc/sysctl.d/70-x.conf", FileKind::Fifo);
    assert_eq!(outcome(&rp(), &fifo), Outcome::Unknown);
    let with = |line: &[u8]| stock(&[(OWN, RIGHT)]).file("/etc/sysctl.d/70-x.conf", line);
    let judged = [RIGHT.trim_end().as_bytes(), b"\xff\n"].concat();
    assert_eq!(outcome(&rp(), &with(&judged)), Outcome::Unknown);
    for elsewhere in [&b"# \xff\n"[..], b"\xff\n", b"kernel.domainname = \xff\n"] {
        assert_eq!(outcome(&rp(), &with(elsewhere)), Outcome::Met, "{elsewhere:?}");
    }
}

#[test]
fn odd_entries() {
    let hiding = stock(&[("/lib/sysctl.d/70-x.conf", WRONG), (OWN, RIGHT)]).dir(
        "/etc/sysctl.d/70-x.conf",
        0o755,
        0,
        0,
    );
    assert_eq!(outcome(&rp(), &hiding), Outcome::Met, "a directory hides a file");
    let hidden = stock(&[("/etc/sysctl.d/.x.conf", RIGHT)]);
    assert_eq!(outcome(&rp(), &hidden), Outcome::NotMet, "systemd does not see the line");
    settled(&rp(), &hidden);
}

#[test]
fn overlong_lines() {
    let text = format!("{}{WRONG}", "#".repeat(255));
    let root = stock(&[(OWN, RIGHT), ("/etc/sysctl.d/70-x.conf", &text)]);
    let left = gaps(&rp(), &root);
    assert!(
        matches!(&left[0].fix, Fix::None(why) if why.to_string().contains("too long")),
        "{left:?}"
    );
    let status = versions("247", "3.3.17");
    let root = root.file(STATUS, status);
    assert_eq!(outcome(&rp(), &root), Outcome::Met, "newer readers do not cut lines");
}

#[test]
fn run_counts_on_a_running_system_only() {
    let files = [(OWN, RIGHT), ("/run/sysctl.d/99-x.conf", WRONG)];
    assert_eq!(outcome(&rp(), &stock(&files)), Outcome::Met);
    let live = gaps(&rp(), &stock(&files).live());
    assert!(
        matches!(&live[0].fix, Fix::None(why) if why.to_string().contains("run time")),
        "{live:?}"
    );
    // procps of 18.04 prefers /run; the same name there hides ours.
    let hiding = [(OWN, RIGHT), ("/run/sysctl.d/60-CIS.conf", "")];
    let live = gaps(&rp(), &stock(&hiding).live());
    assert!(
        matches!(&live[0].fix, Fix::None(why) if why.to_string().contains("hides")),
        "{live:?}"
    );
    // What only /run says is gone at the next boot.
    let gone = stock(&[("/run/sysctl.d/10-x.conf", RIGHT)]).live();
    assert_eq!(changed_by_path(&settled(&rp(), &gone))[OWN], RIGHT);
}

#[test]
fn the_order_of_rules_does_not_matter() {
    let both = "net.ipv4.conf.all.rp_filter = 2\nnet.ipv4.tcp_syncookies = 0\n";
    let root = stock(&[
        (OWN, "# AKS\nvm.overcommit_memory = 1\nnet.ipv4.tcp_syncookies = 0\n"),
        ("/etc/sysctl.d/70-x.conf", both),
        ("/lib/sysctl.d/70-y.conf", both),
        ("/lib/sysctl.d/zz.conf", both),
    ]);
    let checks = || {
        [
            check("net.ipv4.tcp_syncookies", "1"),
            check("net.ipv4.conf.all.rp_filter", "1"),
            check("net.ipv4.conf.default.rp_filter", "1"),
            check("kernel.randomize_va_space", "2"),
        ]
    };
    let in_order = |checks: &mut dyn Iterator<Item = Sysctl>| {
        let mut staged = StagedRootfs::new(&root);
        checks.for_each(|c| stage_on(&c, &mut staged));
        assert!(self::tests::all_met(&staged));
        changed_by_path(&staged)
    };
    let forward = in_order(&mut checks().into_iter());
    assert_eq!(forward, in_order(&mut checks().into_iter().rev()));
    assert_eq!(
        forward[OWN],
        "# AKS\nvm.overcommit_memory = 1\nnet.ipv4.tcp_syncookies = 1\n\n\
         kernel.randomize_va_space = 2\nnet.ipv4.conf.all.rp_filter = 1\n\
         net.ipv4.conf.default.rp_filter = 1\n"
    );
}

fn all_met(root: &dyn Rootfs) -> bool {
    let met = |key, value| outcome(&check(key, value), root) == Outcome::Met;
    met("net.ipv4.tcp_syncookies", "1")
        && met("net.ipv4.conf.all.rp_filter", "1")
        && met("net.ipv4.conf.default.rp_filter", "1")
        && met("kernel.randomize_va_space", "2")
}

#[test]
fn only_plain_keys_and_values() {
    let parse = |text: &str| {
        let files = format!("\nfile = '{OWN}'\nlate_file = '{LATE}'");
        parse_fields::<Sysctl>(&(text.to_owned() + &files))
    };
    let good = parse("key = 'net.ipv4.conf.all.rp_filter'\nvalue = '1'\nkeep_cni_owned = true");
    assert!(good.unwrap().keep_cni_owned);
    for bad in [
        "key = 'a.b'",
        "key = 'a.*.b'\nvalue = '1'",
        "key = '-a.b'\nvalue = '1'",
        "key = 'a/b.c'\nvalue = '1'",
        "key = 'a..b'\nvalue = '1'",
        "key = 'a.b'\nvalue = ''",
        "key = 'a.b'\nvalue = '1 # x'",
        "key = 'a.b'\nvalue = ' 1'",
        "key = 'a.b'\nvalue = '1'\nmode = 'x'",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}

/// What systemd-sysctl 237 sets last: one place for each spelling, that of the first equal line.
#[test]
fn the_place_of_the_first_equal_line_counts() {
    let odd = "/net/ipv4/conf/all/rp_filter = 2\n";
    for (why, first, later, met) in [
        ("repeated behind the other", format!("{RIGHT}{odd}"), RIGHT.to_owned(), false),
        ("another value moves it", format!("{WRONG}{odd}"), RIGHT.to_owned(), true),
        ("two values move it twice", format!("{RIGHT}{odd}{WRONG}"), RIGHT.to_owned(), true),
        ("the other one first", format!("{odd}{RIGHT}"), RIGHT.to_owned(), true),
        ("only slashes", format!("{RIGHT}net/ipv4/conf/all/rp_filter = 2\n"), RIGHT.into(), true),
        (
            "the other one is right",
            format!("{WRONG}{}", odd.replace('2', "1")),
            WRONG.into(),
            false,
        ),
    ] {
        let root = root(&[("/etc/sysctl.d/00-x.conf", &first), (OWN, &later)]);
        let found = rp().audit(&root).unwrap();
        assert_eq!(matches!(found, Finding::Met(_)), met, "{why}: {found:?}");
        assert_eq!(outcome(&rp(), &settled(&rp(), &root)), Outcome::Met, "{why}");
    }
}
