//! Ordinary packages of Debian, with their own maintainer scripts, in the container: what they do
//! there must come to the same as outside.
//!
//! The packages are the root's own ones, packed again from what is installed: no network is needed.

use crate::bench::{ended, operations, overlay, report};
use crate::support::{repository, row};

/// Shell functions: `repack NAME` puts an installed package into the repository as it was made, with
/// its scripts, questions, triggers and configuration files.
const REPACK: &str = r#"
repack() {
    name=$1 build=$R/srv/build info=$R/var/lib/dpkg/info
    mkdir -p "$build/DEBIAN"
    full=$name; [ -e "$info/$name.list" ] || full=$(cd "$info" && ls "$name":*.list | head -n 1 | sed 's/.list$//')
    (cd "$R" && tar -c --no-recursion -T - -f - <<END_OF_LIST
$(sed -e '/^\/\.$/d' -e 's,^/,./,' "$info/$full.list" | while read -r path; do
    if [ -e "$R/$path" ] || [ -L "$R/$path" ]; then echo "$path"; fi; done)
END_OF_LIST
    ) | tar -x -C "$build" -f -
    chroot "$R" dpkg-query -s "$full" | sed -e '/^Status:/d' -e '/^Conffiles:/,/^[^ ]/{/^Conffiles:/d;/^ /d}' >"$build/DEBIAN/control"
    for file in preinst postinst prerm postrm config templates triggers conffiles shlibs symbols; do
        [ ! -e "$info/$full.$file" ] || cp -p "$info/$full.$file" "$build/DEBIAN/$file"
    done
    chroot "$R" dpkg-deb -Zgzip --build /srv/build "/srv/repo/${name}_1.deb" >/dev/null
    rm -rf "$build"
}
"#;

#[test]
fn ordinary_packages_come_and_go_as_they_do_outside() {
    let test = "ordinary_packages_come_and_go_as_they_do_outside";
    let rows = [
        ("2.2.4", "telnet", r#"package = { absent = ["telnet"] }"#),
        ("2.3.1", "pam", r#"package = { present = ["libpam-pwquality"] }"#),
        ("2.3.2", "ssh", r#"package = { present = ["openssh-server"] }"#),
        ("2.3.3", "ntp", r#"package = { present = ["ntp"] }"#),
        ("2.3.4", "firewall", r#"package = { present = ["ufw"] }"#),
    ]
    .map(|(id, title, want)| row(id, title, want))
    .concat();
    let script = format!(
        r#"
{REPACK}
mkdir "$OUT/profile"
grep -v '^ *"telnet",$' "{head}" >"$OUT/profile/profile.toml"
cat >"$OUT/profile/rules.toml" <<'END'
{rows}
END
all="libpam-pwquality openssh-server ntp ufw"
for name in telnet $all; do repack $name; done
index
state() {{
    for name in telnet $all; do echo "$name: $(status $name)"; done
    for user in sshd ntp; do grep "^$user:" "$R/etc/passwd" | cut -d: -f1,6,7 || true; done
    find "$R/etc/systemd/system" -type l -printf '%P -> %l\n' | sort
    grep -h pwquality "$R"/etc/pam.d/common-password || true
    (cd "$R/etc" && find ssh ntp* ufw default/ntp -type f ! -name '*_key*' -printf '%p %m %u:%g %s\n' 2>/dev/null | sort)
    chroot "$R" debconf-show openssh-server 2>/dev/null | sort || true
    find "$R/var/lib/systemd/deb-systemd-helper-enabled" -type l -o -type f 2>/dev/null | sed "s,$R,," | sort
}}
gone $all
# Outside of a container, as an administrator in a chroot does it.
printf '#!/bin/sh\nexit 101\n' >"$R/usr/sbin/policy-rc.d"; chmod 755 "$R/usr/sbin/policy-rc.d"
cp -a "$R/etc/passwd" "$R/etc/group" "$R/etc/shadow" "$R/etc/gshadow" "$OUT/"
chroot "$R" apt-get -q update >"$OUT/outside.log" 2>&1
DEBIAN_FRONTEND=noninteractive chroot "$R" apt-get -q -y --no-install-recommends install $all >>"$OUT/outside.log" 2>&1
DEBIAN_FRONTEND=noninteractive chroot "$R" apt-get -q -y purge telnet >>"$OUT/outside.log" 2>&1
state >"$OUT/outside"
rm "$R/usr/sbin/policy-rc.d"
gone $all; install telnet
rm -rf "$R"/var/lib/apt/lists/*_* "$R"/tmp/* "$R"/run/*
cp -a "$OUT/passwd" "$OUT/group" "$OUT/shadow" "$OUT/gshadow" "$R/etc/"
touch "$OUT/scripts"
RULES=2 run inside --profile "$OUT/profile"
state >"$OUT/inside"
chroot "$R" dpkg --audit >"$OUT/dpkg-audit" 2>&1 || true
RULES=2 run again --profile "$OUT/profile"
# Offline, without any source: a purge needs none.
install telnet
rm -rf "$R/srv/repo" "$R/etc/apt/sources.list"
RULES=2.2.4 run offline --profile "$OUT/profile"
"#,
        head = repository("profiles/aks-ubuntu-18.04/profile.toml").display(),
    );
    let Some(ran) = overlay(test, &script) else { return };
    let (status, log) = ended(&ran, "inside");
    assert_eq!(status, 0, "{log}");
    assert_eq!(
        operations(&report(&ran, "inside")),
        [
            "installed libpam-pwquality asked 2.3.1",
            "installed ntp asked 2.3.3",
            "installed openssh-server asked 2.3.2",
            "installed ufw asked 2.3.4",
            "purged telnet asked 2.2.4",
        ]
    );
    assert_eq!(ran.file("inside"), ran.file("outside"), "{log}");
    assert!(ran.file("inside").contains("pam_pwquality.so"), "pam-auth-update");
    assert!(ran.file("inside").contains("ssh.service"), "systemd's links");
    assert_eq!(ran.file("dpkg-audit"), "");
    assert!(log.contains("policy-rc.d denied execution of start"), "{log}");
    for bad in ["Failed to", "Permission denied", "not permitted", "Function not implemented"] {
        assert!(!log.contains(bad), "{bad}: {log}");
    }
    assert_eq!(ended(&ran, "again").0, 0);
    assert!(operations(&report(&ran, "again")).is_empty());
    assert_eq!(ended(&ran, "offline").0, 0);
    assert_eq!(operations(&report(&ran, "offline")), ["purged telnet asked 2.2.4"]);
}
