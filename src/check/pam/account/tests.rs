use super::*;
use crate::rootfs::MemoryRootfs;

fn bob() -> Who {
    Who {
        name: "bob".to_owned(),
        uid: 1000,
        gid: 1000,
        groups: ["bob", "ops"].map(str::to_owned).into(),
        home: "/home/bob".to_owned(),
        shell: "/bin/bash".to_owned(),
    }
}

fn root(stack: &str) -> MemoryRootfs {
    MemoryRootfs::new().file("/etc/pam.d/sshd", stack)
}

fn of(root: &MemoryRootfs) -> Verdict {
    let stack = AccountStack::read(root, "sshd").unwrap().unwrap();
    stack.verdict(root, &bob())
}

fn shown(root: &MemoryRootfs) -> String {
    match of(root) {
        Verdict::Lets => "lets".to_owned(),
        Verdict::Refuses(s) => format!("refuses {}:{} {}", s.path, s.line, s.says),
        Verdict::CannotTell(s) => format!("cannot tell {}:{} {}", s.path, s.line, s.says),
    }
}

#[test]
fn pam_access_goes_by_the_first_line_that_fits() {
    for (conf, says) in [
        ("", "lets"),
        ("-:ALL EXCEPT root:ALL\n", "refuses /etc/security/access.conf:1"),
        ("# x\n- : ALL EXCEPT root ops : ALL\n", "lets"),
        ("+:bob:ALL\n-:ALL:ALL\n", "lets"),
        ("+:(ops):10.0.0.0/8\n-:ALL:ALL\n", "lets"),
        ("-:bob:10.0.0.1\n", "lets"),
        ("-:ALL:LOCAL\n", "lets"),
        ("-:@net:ALL\n", "cannot tell /etc/security/access.conf:1"),
        ("+:x:ALL\n-:ALL:ALL\n", "refuses /etc/security/access.conf:2"),
    ] {
        let root = root("account required pam_access.so\naccount required pam_unix.so\n")
            .file("/etc/security/access.conf", conf);
        assert!(shown(&root).starts_with(says), "{conf}: {}", shown(&root));
    }
}

#[test]
fn other_modules() {
    let list = |text: &str| root(text).file("/etc/list", "eve\nops\n").file("/etc/me", "bob\n");
    for (tree, says) in [
        (root("account required pam_permit.so\n"), "lets"),
        (root("account required pam_deny.so\n"), "refuses /etc/pam.d/sshd:1"),
        (root("account requisite pam_succeed_if.so uid >= 1000\n"), "cannot tell"),
        (root("account requisite pam_succeed_if.so uid ge 1000 quiet\n"), "lets"),
        (root("account requisite pam_succeed_if.so user ingroup wheel\n"), "refuses"),
        (root("account sufficient pam_succeed_if.so user ingroup wheel\n"), "lets"),
        (
            list("account required pam_listfile.so item=user sense=allow file=/etc/list\n"),
            "refuses",
        ),
        (list("account required pam_listfile.so item=user sense=allow file=/etc/me\n"), "lets"),
        (
            list("account required pam_listfile.so item=group sense=deny file=/etc/list\n"),
            "refuses",
        ),
        (list("account required pam_listfile.so item=user sense=allow file=/x\n"), "refuses"),
        (
            list("account required pam_listfile.so item=user sense=allow file=/x onerr=succeed\n"),
            "lets",
        ),
        (root("account required pam_sss.so\n"), "cannot tell /etc/pam.d/sshd:1"),
        (root("account required pam_unix.so\naccount optional pam_sss.so\n"), "lets"),
        (
            root("account required pam_nologin.so\n").file("/etc/nologin", ""),
            "refuses /etc/nologin",
        ),
        (root("account required pam_nologin.so\n"), "lets"),
        (
            root("account required pam_time.so\n")
                .file("/etc/security/time.conf", "sshd;*;bob;Wk0800-1800\n"),
            "cannot tell /etc/security/time.conf:1",
        ),
        (
            root("account required pam_time.so\n")
                .file("/etc/security/time.conf", "login;*;bob;Wk0800-1800\n"),
            "lets",
        ),
    ] {
        assert!(shown(&tree).starts_with(says), "{says}: {}", shown(&tree));
    }
}

#[test]
fn jumps_and_ends_are_followed() {
    let stock = "account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so\n\
                 account requisite pam_deny.so\naccount required pam_permit.so\n";
    assert_eq!(of(&root(stock)), Verdict::Lets);
    let after = format!("account required pam_access.so\n{stock}");
    let tree = root(&after).file("/etc/security/access.conf", "-:ALL:ALL\n");
    assert!(matches!(of(&tree), Verdict::Refuses(_)));
    let early = "account sufficient pam_permit.so\naccount required pam_deny.so\n";
    assert_eq!(of(&root(early)), Verdict::Lets);
    let other = MemoryRootfs::new().file("/etc/pam.d/other", "account required pam_deny.so\n");
    assert!(matches!(of(&other), Verdict::Refuses(_)));
    assert!(AccountStack::read(&MemoryRootfs::new(), "sshd").unwrap().is_none());
}
