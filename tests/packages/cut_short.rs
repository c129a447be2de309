//! What is refused, killed, full or out of reach: told, and put right by the next run.

use serde_json::Value;

use crate::bench::{ended, failure, notes, operations, overlay, report};
use crate::support::rows;

#[test]
fn what_must_not_go_is_refused_and_nothing_is_changed() {
    let test = "what_must_not_go_is_refused_and_nothing_is_changed";
    let script = r#"
pkg talk 1
pkg walinuxagent 2 'Depends: talk'
pkg site-tool 3 'Depends: talk'
pkg vital 4 'Depends: talk' 'Essential: yes'
index
install talk
refused() { changes before; run "$@"; changes after; diff "$OUT/before" "$OUT/after" >"$OUT/$1.changed" || true; }

refused named --protect-package 'ta*'
install walinuxagent; refused protected; gone walinuxagent
install site-tool; refused manual
install vital; refused essential; gone --force-remove-essential vital

head -c 20 "$R/usr/bin/dpkg" >"$OUT/head"
cp "$R/usr/bin/dpkg" "$OUT/dpkg"
printf '\267\000' | dd of="$R/usr/bin/dpkg" bs=1 seek=18 conv=notrunc 2>/dev/null
refused foreign
cat "$OUT/dpkg" >"$R/usr/bin/dpkg"

# A package that dpkg was cut off while unpacking, and that nobody asks about.
echo 'kill -9 $PPID' >"$W/stump.preinst"
pkg stump 5
chroot "$R" dpkg -i /srv/repo/stump_5.deb >/dev/null 2>&1 || true
status stump >"$OUT/stump"
refused broken
gone --force-remove-reinstreq stump

# Another package manager at work.
mkfifo "$R/srv/go"
echo 'echo >/srv/at-work; read line </srv/go' >"$W/slow.postinst"
pkg slow 6
chroot "$R" dpkg -i /srv/repo/slow_6.deb >/dev/null 2>&1 &
while [ ! -e "$R/srv/at-work" ]; do sleep 0.1; done
refused locked
echo >"$R/srv/go"; wait

rm "$R/usr/bin/apt-get"; refused bare; cp "$GOKAKU_LOWER/usr/bin/apt-get" "$R/usr/bin/apt-get"
mv "$R/sys" "$R/sys.away"; ln -s /srv "$R/sys"; refused link; rm "$R/sys"; mv "$R/sys.away" "$R/sys"

# One that came along with the forbidden one goes with it.
printf 'Package: site-tool\nArchitecture: all\nAuto-Installed: 1\n\n' >>"$R/var/lib/apt/extended_states"
run along
"#;
    let Some(ran) = overlay(test, script) else { return };
    let apart = "for amd64";
    for (name, words) in [
        ("named", &["talk", "protected (`ta*`)"][..]),
        ("protected", &["would take walinuxagent", "protected (`walinuxagent`)"]),
        ("manual", &["would take site-tool too", "on purpose"]),
        ("essential", &["vital"]),
        ("foreign", &["/usr/bin/dpkg", "arm64", apart]),
        ("broken", &["stump: found half-installed", "by hand"]),
        ("locked", &["/var/lib/dpkg/lock", "at work"]),
        ("bare", &["/usr/bin/apt-get", "not there"]),
        ("link", &["/sys", "found a symbolic link, want a directory"]),
    ] {
        let (status, log) = ended(&ran, name);
        assert_eq!(status, 3, "{name}: {log}");
        assert_eq!(ran.file(&format!("{name}.changed")), "", "{name}");
        for word in words.iter().filter(|w| **w != apart || cfg!(target_arch = "x86_64")) {
            assert!(log.contains(word), "{name}: {word:?} in {log}");
        }
    }
    assert!(ran.file("stump").contains("reinstreq half-installed"), "{}", ran.file("stump"));
    let (status, log) = ended(&ran, "along");
    assert_eq!(status, 0, "{log}");
    let along = operations(&report(&ran, "along"));
    assert_eq!(along, ["purged site-tool along 2.2.3", "purged talk asked 2.2.3"]);
}

/// A script that kills dpkg the first time it runs.
const KILLS_ONCE: &str = "[ -e /srv/killed ] && exit 0; : >/srv/killed; kill -9 $PPID; sleep 10";

#[test]
fn a_dpkg_that_is_killed_is_told_and_the_next_run_recovers() {
    let test = "a_dpkg_that_is_killed_is_told_and_the_next_run_recovers";
    let script = format!(
        r#"
pkg man 1; rm "$R"/srv/repo/man_1.deb
RULES=2.2.3,2.2.5,3.2.1,3.5.1.1
killed() {{
    rm -f "$R/srv/killed" "$R"/srv/repo/*.deb "$W"/*
    gone talk ldap-utils ufw || true
    echo '{KILLS_ONCE}' >"$W/$2"
    pkg talk 1; pkg ldap-utils 9:1; pkg ufw 1; index
    install talk ldap-utils
    run "$1-killed"
    for n in talk ldap-utils ufw; do echo "$n: $(status $n)"; done >"$OUT/$1-states.log"
    [ ! -e "$R/etc/sysctl.d/60-CIS.conf" ] || echo "$1: a file was written" >>"$OUT/traces"
    run "$1-next"
    chroot "$R" dpkg --audit >>"$OUT/traces" 2>&1 || true
    run "$1-again"
    rm -f "$R/etc/sysctl.d/60-CIS.conf"
}}
killed remove talk.prerm
killed purge talk.postrm
killed unpack ufw.preinst
killed configure ufw.postinst
"#
    );
    let Some(ran) = overlay(test, &script) else { return };
    let mut recovered = 0;
    for (name, command) in [
        ("remove", "`apt-get purge ldap-utils talk`"),
        ("purge", "`apt-get purge ldap-utils talk`"),
        ("unpack", "`apt-get install ufw`"),
        ("configure", "`apt-get install ufw`"),
    ] {
        let (status, log) = ended(&ran, &format!("{name}-killed"));
        let killed = report(&ran, &format!("{name}-killed"));
        assert_eq!(status, 1, "{name}: {log}");
        let why = failure(&killed);
        assert!(why.contains(command) && why.contains("status 100"), "{name}: {why}");
        assert!(why.contains("dpkg"), "{name}: apt's own last lines: {why}");
        assert!(log.contains(command), "{name}: {log}");
        // What was completed is what dpkg's record says.
        let done = operations(&killed).join(", ");
        if command.contains("install") {
            assert!(done.contains("purged talk") && done.contains("purged ldap-utils"), "{done}");
            assert!(done.contains("unfinished ufw"), "{name}: {done}");
            assert_eq!(rows(&killed)["2.2.3"]["outcome"], "met");
        }
        assert_eq!(rows(&killed)["3.5.1.1"]["outcome"], "not_met", "{name}");

        let (status, log) = ended(&ran, &format!("{name}-next"));
        assert_eq!(status, 0, "{name}: {log}");
        let next = report(&ran, &format!("{name}-next"));
        for id in ["2.2.3", "2.2.5", "3.5.1.1", "3.2.1"] {
            assert_eq!(rows(&next)[id]["outcome"], "met", "{name}: {id}");
        }
        let told = notes(&next);
        assert!(told.contains("cut off") && log.contains("cut off"), "{name}: {told} {log}");
        recovered += usize::from(told.contains("dpkg --configure -a"));

        let (status, log) = ended(&ran, &format!("{name}-again"));
        assert_eq!(status, 0, "{name}: {log}");
        assert_eq!(report(&ran, &format!("{name}-again"))["changes"], Value::Array(Vec::new()));
    }
    assert!(recovered >= 2, "only {recovered} of the interruptions were told");
}

#[test]
fn a_run_that_is_killed_takes_its_programs_with_it() {
    let test = "a_run_that_is_killed_takes_its_programs_with_it";
    let script = r#"
mkfifo "$R/srv/go"
echo '[ -e /srv/calm ] || { : >/srv/there; read line </srv/go; }' >"$W/talk.prerm"
pkg talk 1; index; install talk
start() {
    rm -f "$R/srv/there"
    # Under nohup SIGHUP would be ignored.
    SOURCE_DATE_EPOCH=$EPOCH setsid env --default-signal=HUP,TERM gokaku apply --root "$R" \
        --state-dir "$STATE" --packages apply --rule 2.2.3 >/dev/null 2>&1 &
    pid=$!
    while [ ! -e "$R/srv/there" ]; do sleep 0.1; done
    [ -e "$R/usr/sbin/policy-rc.d" ] || echo "no policy while scripts run" >>"$OUT/traces"
}
for signal in KILL TERM HUP; do
    name=$signal
    start
    kill -$signal $pid; wait $pid || true
    traces | grep -vE 'scratch' >>"$OUT/traces" || true
done
# With its keeper at once: only the policy file can be left, and the next run takes it away.
name=all
start
keeper=$(pgrep -P $pid)
# The one that dies first would wake the other: a keeper that gets to run ends the step and cleans up.
kill -STOP $pid "$keeper"; kill -KILL $pid "$keeper"; wait $pid || true
traces | grep -vE 'scratch|policy-rc.d' >>"$OUT/traces" || true
ls "$R/usr/sbin/policy-rc.d" >"$OUT/left" 2>/dev/null || true
: >"$R/srv/calm"
RULES=2.2.3 run next
"#;
    let Some(ran) = overlay(test, script) else { return };
    assert!(ran.file("left").contains("policy-rc.d"), "else this is not the case that is meant");
    let (status, log) = ended(&ran, "next");
    assert_eq!(status, 0, "{log}");
    assert!(log.contains("left by a run that was killed"), "{log}");
    assert_eq!(operations(&report(&ran, "next")), ["purged talk asked 2.2.3"]);
}

#[test]
fn a_full_disk_is_told_and_the_next_run_recovers() {
    let test = "a_full_disk_is_told_and_the_next_run_recovers";
    let script = r#"
gone ufw
mkdir -p "$W/ufw.files/usr/share/ufw-data"
head -c 6000000 /dev/urandom >"$W/ufw.files/usr/share/ufw-data/data"
pkg ufw 1; pkg talk 1; index; install talk
top=${R%/view}
used=$(df --output=used -k "$top" | tail -n 1)
mount -o "remount,size=$((used + 3000))k" "$top"
run full
status ufw >"$OUT/ufw"
mount -o remount,size=0 "$top"
run next
chroot "$R" dpkg --audit >>"$OUT/traces" 2>&1 || true
"#;
    let Some(ran) = overlay(test, script) else { return };
    let (status, log) = ended(&ran, "full");
    assert_eq!(status, 1, "{log}");
    let full = report(&ran, "full");
    let why = failure(&full);
    assert!(why.contains("`apt-get install ufw`"), "{why}");
    assert!(why.contains("No space left on device"), "{why}");
    assert_eq!(rows(&full)["2.2.3"]["outcome"], "met", "what apt completed is told");
    assert_eq!(rows(&full)["3.5.1.1"]["outcome"], "not_met");
    let (status, log) = ended(&ran, "next");
    assert_eq!(status, 0, "{log}\n{}", ran.file("ufw"));
    assert_eq!(rows(&report(&ran, "next"))["3.5.1.1"]["outcome"], "met");
}

#[test]
fn broken_sources_and_no_network_are_told_and_change_nothing() {
    let test = "broken_sources_and_no_network_are_told_and_change_nothing";
    let script = r#"
pkg talk 1; index; install talk; gone ufw
kept() { changes before; "$@"; changes after; diff "$OUT/before" "$OUT/after" >>"$OUT/traces" || true; }
echo 'deb nonsense' >"$R/etc/apt/sources.list"
kept run malformed
echo 'deb [trusted=yes] file:/srv/nowhere ./' >"$R/etc/apt/sources.list"
kept run missing
echo 'deb [trusted=yes] http://mirror.invalid/debian bullseye main' >"$R/etc/apt/sources.list"
kept run offline
# A purge alone needs neither.
echo 'deb nonsense' >"$R/etc/apt/sources.list"
RULES=2.2.3 run purge
index; rm "$R"/srv/repo/*.deb; : >"$R/srv/repo/Packages"
pkg ufw 1; index
run next
"#;
    let Some(ran) = overlay(test, script) else { return };
    for (name, words) in [
        ("malformed", &["Malformed entry 1", "sources.list"][..]),
        ("missing", &["ufw", "Failed to fetch"]),
        ("offline", &["ufw", "mirror.invalid"]),
    ] {
        let (status, log) = ended(&ran, name);
        assert_eq!(status, 1, "{name}: {log}");
        let report = report(&ran, name);
        assert!(operations(&report).is_empty(), "{name}");
        assert_eq!(rows(&report)["3.5.1.1"]["outcome"], "not_met", "{name}");
        let why = failure(&report);
        assert!(why.contains("`apt-get -s install ufw`"), "{name}: {why}");
        for word in words {
            assert!(why.contains(word) && log.contains(word), "{name}: {word:?} in {why}");
        }
    }
    let (status, log) = ended(&ran, "purge");
    assert_eq!(status, 0, "{log}");
    assert_eq!(ended(&ran, "next").0, 0);
    assert_eq!(operations(&report(&ran, "next")), ["installed ufw asked 3.5.1.1"]);
}

#[test]
fn a_package_whose_own_script_fails_can_be_purged() {
    let script = r#"
echo 'exit 1' >"$W/talk.postinst"
echo 'test -e /srv/ok' >"$W/other.postinst"
pkg talk 1; pkg other 1; index
install talk 2>/dev/null || true
install other 2>/dev/null || true
status talk >"$OUT/talk.before"; status other >"$OUT/other.before"
touch "$R/srv/ok"
RULES=2.2.3
run first
status talk >"$OUT/talk"; status other >"$OUT/other"
chroot "$R" dpkg --audit >"$OUT/dpkg-audit" 2>&1 || true
run second
"#;
    let test = "a_package_whose_own_script_fails_can_be_purged";
    let Some(ran) = overlay(test, script) else { return };
    for name in ["talk.before", "other.before"] {
        assert_eq!(ran.file(name), "install ok half-configured", "{name}");
    }
    let (status, log) = ended(&ran, "first");
    let first = report(&ran, "first");
    assert_eq!(status, 0, "{log}\n{first:#}");
    assert!(log.contains("other (half-configured); `dpkg --configure other` runs first"), "{log}");
    assert_eq!(ran.file("talk"), "");
    assert_eq!(ran.file("other"), "install ok installed", "the others are configured");
    assert_eq!(ran.file("dpkg-audit"), "");
    assert!(operations(&first).contains(&"purged talk asked 2.2.3".to_owned()), "{first:#}");
    assert_eq!(ended(&ran, "second").0, 0);
}

#[test]
fn a_mark_of_one_architecture_is_none_of_another() {
    let script = r#"
chroot "$R" dpkg --add-architecture i386
# made NAME ARCHITECTURE FIELD…: a package of an architecture, installed.
made() {
    name=$1 arch=$2 build=$R/srv/build; shift 2
    mkdir -p "$build/DEBIAN"
    {
        printf 'Package: %s\nVersion: 1\nArchitecture: %s\nMulti-Arch: same\n' "$name" "$arch"
        printf 'Maintainer: nobody <nobody@localhost>\nDescription: made for a test\n'
        for field; do printf '%s\n' "$field"; done
    } >"$build/DEBIAN/control"
    chroot "$R" dpkg-deb -Zgzip --build /srv/build "/srv/repo/${name}_$arch.deb" >/dev/null
    rm -rf "$build"
    (cd "$R" && chroot . dpkg -i "/srv/repo/${name}_$arch.deb" >/dev/null)
}
made talk i386
made along amd64
made along i386 'Depends: talk'
printf 'Package: along\nArchitecture: amd64\nAuto-Installed: 1\n\n' >>"$R/var/lib/apt/extended_states"
RULES=2.2.3
run refused
chroot "$R" dpkg-query -W -f '${binary:Package} ${Status}\n' along talk >"$OUT/kept"
chroot "$R" apt-mark auto along:i386 >/dev/null
run done
chroot "$R" dpkg-query -W -f '${binary:Package} ${Status}\n' along talk >"$OUT/after" 2>/dev/null || true
"#;
    let test = "a_mark_of_one_architecture_is_none_of_another";
    let Some(ran) = overlay(test, script) else { return };
    let (status, log) = ended(&ran, "refused");
    assert_eq!(status, 3, "{log}");
    let says = "would take along:i386 too, which was installed on purpose";
    assert!(log.contains(says) && log.contains("apt-mark auto along:i386"), "{log}");
    let kept = ran.file("kept");
    assert_eq!(kept.matches("install ok installed").count(), 3, "{kept}");
    assert_eq!(ended(&ran, "done").0, 0, "{}", ended(&ran, "done").1);
    assert!(
        ran.file("after").contains("along:amd64 install ok installed"),
        "{}",
        ran.file("after")
    );
    assert!(!ran.file("after").contains("i386 install ok"), "{}", ran.file("after"));
}
