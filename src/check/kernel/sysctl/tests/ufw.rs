//! What ufw sets.

use super::*;

#[test]
fn ufw_counts_when_it_is_on() {
    let martians = check("net.ipv4.conf.all.log_martians", "1");
    let own = (OWN, "net.ipv4.conf.all.log_martians = 1\n");
    let text = "# x\nnet/ipv4/conf/all/log_martians=0\nnet/ipv4/conf/all/accept_ra=0\n";
    let on = ("/etc/ufw/ufw.conf", "# x\nENABLED=yes\n");
    let off = ("/etc/ufw/ufw.conf", "ENABLED=no\n");

    let Finding::Met(evidence) =
        martians.audit(&stock(&[own, DEFAULTS, off, (UFW, text)])).unwrap()
    else {
        panic!("ufw is off")
    };
    assert!(evidence.iter().any(|e| {
        e.note
            .as_ref()
            .map(ToString::to_string)
            .as_deref()
            .is_some_and(|n| n.contains("ufw is off"))
    }));

    let changes = changed_by_path(&settled(&martians, &stock(&[own, DEFAULTS, on, (UFW, text)])));
    assert_eq!(
        changes[UFW],
        "# x\nnet/ipv4/conf/all/log_martians=1\nnet/ipv4/conf/all/accept_ra=0\n"
    );
    assert_eq!(changes.len(), 1);

    for (why, files) in [
        ("no settings", vec![own, on, (UFW, text)]),
        ("no file named", vec![own, ("/etc/default/ufw", "IPT_SYSCTL=\n"), on, (UFW, text)]),
        ("no file", vec![own, DEFAULTS, on]),
        ("right", vec![own, DEFAULTS, on, (UFW, "net/ipv4/conf/all/log_martians=1\n")]),
        (
            "on again off",
            vec![own, DEFAULTS, ("/etc/ufw/ufw.conf", "ENABLED=yes\nENABLED=no"), (UFW, text)],
        ),
        (
            "off by upper case",
            vec![own, DEFAULTS, ("/etc/ufw/ufw.conf", "ENABLED=Yes"), (UFW, text)],
        ),
    ] {
        assert_eq!(outcome(&martians, &stock(&files)), Outcome::Met, "{why}");
    }
    let odd = ("/etc/default/ufw", "IPT_SYSCTL=$X/sysctl.conf\n");
    assert_eq!(outcome(&martians, &stock(&[own, odd, on])), Outcome::Unknown);
    let out = stock(&[own, DEFAULTS, on, ("/usr/share/s", text)]).link(UFW, "/usr/share/s");
    assert!(matches!(gaps(&martians, &out)[0].fix, Fix::None(_)));
}

#[test]
fn ufw_may_load_sysctl_conf() {
    let on = ("/etc/ufw/ufw.conf", "ENABLED=yes\n");
    let defaults = ("/etc/default/ufw", "IPT_SYSCTL=/etc/sysctl.conf\n");
    let root = stock(&[defaults, on, ("/etc/sysctl.conf", WRONG)]);
    assert_eq!(changed_by_path(&settled(&rp(), &root))["/etc/sysctl.conf"], OFF);
}
