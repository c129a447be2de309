//! `apply --packages apply` with the real dpkg and apt-get of a root filesystem.
//!
//! Most packages here are tiny ones made on the spot under the names that rules look for, in a
//! repository of files inside the root; their scripts do what a test needs: look around, kill
//! dpkg, fill time. One test takes the real packages (`tests/forbidden-debs.sh`).
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod support;

use std::process::Command;

use serde_json::Value;
use support::{Ran, in_overlay, repository, root, rows, skip};

/// Shell functions. `$R` is the root, `$W` holds scripts of packages as `NAME.postinst` and the
/// like, `$EPOCH` marks every process that gokaku starts.
const PRELUDE: &str = r#"
R=$GOKAKU_ROOT W=$OUT/scripts EPOCH=17${RANDOM_MARK}
mkdir -p "$R/srv/repo" "$W"
for node in null zero urandom; do
    [ -c "$R/dev/$node" ] || { : >"$R/dev/$node"; mount --bind "/dev/$node" "$R/dev/$node"; }
done

# pkg NAME VERSION [FIELD…]: makes a package with the scripts in $W and a file, in the repository.
pkg() {
    name=$1 version=$2 build=$R/srv/build; shift 2
    mkdir -p "$build/DEBIAN" "$build/usr/share/$name"
    echo "$name $version" >"$build/usr/share/$name/file"
    {
        printf 'Package: %s\nVersion: %s\nArchitecture: all\n' "$name" "$version"
        printf 'Maintainer: nobody <nobody@localhost>\nDescription: made for a test\n'
        for field; do printf '%s\n' "$field"; done
    } >"$build/DEBIAN/control"
    for script in preinst postinst prerm postrm; do
        if [ -f "$W/$name.$script" ]; then
            { echo '#!/bin/sh'; cat "$W/$name.$script"; } >"$build/DEBIAN/$script"
            chmod 755 "$build/DEBIAN/$script"
        fi
    done
    if [ -d "$W/$name.files" ]; then
        cp -a "$W/$name.files/." "$build/"
        (cd "$W/$name.files" && find etc -type f 2>/dev/null | sed 's,^,/,') >"$build/DEBIAN/conffiles" || true
    fi
    chroot "$R" dpkg-deb -Zgzip --build /srv/build "/srv/repo/${name}_${version#*:}.deb" >/dev/null
    rm -rf "$build"
}

# index: makes the repository the only source of packages.
index() {
    for deb in "$R"/srv/repo/*.deb; do
        file=${deb##*/}
        chroot "$R" dpkg-deb -f "/srv/repo/$file"
        printf 'Filename: ./%s\nSize: %s\n' "$file" "$(stat -c %s "$deb")"
        printf 'SHA256: %s\n\n' "$(sha256sum "$deb" | cut -d' ' -f1)"
    done >"$R/srv/repo/Packages"
    rm -rf "$R"/etc/apt/sources.list.d/*
    echo 'deb [trusted=yes] file:/srv/repo ./' >"$R/etc/apt/sources.list"
}

install() { for n; do (cd "$R" && chroot . dpkg -i "/$(echo "srv/repo/${n}_"*.deb)" >/dev/null); done; }
gone() { chroot "$R" dpkg --purge --force-depends "$@" >/dev/null 2>&1; }
status() { chroot "$R" dpkg-query -W -f '${Status}' "$1" 2>/dev/null || true; }

# run NAME [OPTION…]: gokaku apply --packages apply; NAME.json, NAME.log, NAME.status.
run() {
    name=$1; shift
    LEAKED=host SOURCE_DATE_EPOCH=$EPOCH gokaku apply --root "$R" --state-dir "$STATE" --packages apply \
        --rule "${RULES:-2.2.3,3.5.1.1}" --format json,text -o "$OUT/$name.json" -o "$OUT/$name.txt" "$@" \
        2>"$OUT/$name.log" && echo 0 >"$OUT/$name.status" || echo $? >"$OUT/$name.status"
    traces >>"$OUT/traces"
}

# changes NAME: all that the root has beyond what it was made from; any change shows by its time.
changes() { (cd "$GOKAKU_UPPER" && find . -printf '%p %y %m %U:%G %s %C@\n' | sort) >"$OUT/$1"; }

# traces: whatever a run must not leave behind.
traces() {
    # A process that the kernel is still clearing away may show for a moment.
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        left=$(grep -lasE "SOURCE_DATE_EPOCH=$EPOCH" /proc/[0-9]*/environ || true)
        [ -n "$left" ] || break
        sleep 1
    done
    for process in $left; do
        process=${process%/environ}
        echo "$name: process $(tr '\0' ' ' <"$process/cmdline"), $(sed -n 's/^\(State\|PPid\|SigBlk\|SigPnd\|ShdPnd\|SigIgn\):/\1/p' "$process/status" | tr '\t\n' '  ')" || true
    done
    [ ! -e "$R/usr/sbin/policy-rc.d" ] || [ -n "${OWN_POLICY:-}" ] || echo "$name: policy-rc.d"
    grep -F "$R/" /proc/self/mountinfo | grep -vE "$R/dev/(null|zero|urandom) " | sed "s/^/$name: mount /" || true
    find "$STATE" -name packages 2>/dev/null | sed "s/^/$name: scratch /"
    find "$R/var/lib/apt/lists" "$R/var/cache/apt/archives" -type f ! -name lock ! -name lock-frontend | sed "s/^/$name: /"
    find "$R/run" "$R/tmp" -mindepth 1 -newer "$OUT/scripts" ! -path "$R/run/mount*" | sed "s/^/$name: /"
}
: >"$OUT/traces"
"#;

fn overlay(test: &str, script: &str) -> Option<Ran> {
    let root = root(test)?;
    // Digits that no other test of this run has.
    let mark: u32 = test.bytes().fold(std::process::id(), |n, b| n.wrapping_mul(31) ^ u32::from(b));
    let script = format!(
        "RANDOM_MARK={:08}\n{PRELUDE}\n{script}\ntail -n 50 \"$OUT\"/*.log >\"$OUT/logs\" || true",
        mark % 100_000_000
    );
    let ran = in_overlay(test, &root, &script)?;
    assert!(ran.output.status.success(), "{}", String::from_utf8_lossy(&ran.output.stderr));
    assert_eq!(ran.file("traces"), "", "a run leaves nothing behind\n{}", ran.file("logs"));
    Some(ran)
}

/// The exit status and the log of one run.
fn ended(ran: &Ran, name: &str) -> (i32, String) {
    let log = ran.file(&format!("{name}.log"));
    assert!(!log.contains("panicked"), "{log}");
    (ran.file(&format!("{name}.status")).trim().parse().unwrap(), log)
}

fn report(ran: &Ran, name: &str) -> Value {
    let report = ran.json(&format!("{name}.json"));
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    let path = repository("docs/schema/report-1.schema.json");
    let index = compiler.compile(path.to_str().unwrap(), &mut schemas).unwrap();
    if let Err(e) = schemas.validate(&report, index) {
        panic!("{name}: {e:#}");
    }
    report
}

/// What a report says of packages, sorted: `purged talk asked 2.2.3`.
fn operations(report: &Value) -> Vec<String> {
    let mut all: Vec<String> = report["changes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|c| c["kind"] == "package")
        .map(|c| {
            let rules: Vec<&str> =
                c["rules"].as_array().unwrap().iter().map(|r| r.as_str().unwrap()).collect();
            let package = &c["package"];
            let asked = if package["asked"] == true { "asked" } else { "along" };
            let word = |key: &str| package[key].as_str().unwrap().to_owned();
            format!("{} {} {asked} {}", word("action"), word("name"), rules.join(","))
        })
        .collect();
    all.sort();
    all
}

fn failure(report: &Value) -> &str {
    report["packages"]["failure"].as_str().unwrap_or_default()
}

fn notes(report: &Value) -> String {
    report["packages"]["notes"].to_string()
}

#[test]
fn real_forbidden_packages_go_and_missing_ones_come() {
    let test = "real_forbidden_packages_go_and_missing_ones_come";
    let Some(rootfs) = root(test) else { return };
    let out = Command::new(repository("tests/forbidden-debs.sh")).arg(rootfs).output().unwrap();
    if out.status.code() == Some(77) {
        return skip(test, String::from_utf8_lossy(&out.stderr).trim());
    }
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let debs = String::from_utf8(out.stdout).unwrap();
    let script = r#"
cp "$DEBS"/*.deb "$R/srv/repo/"
index
gone logrotate ufw
mount --rbind /dev "$R/dev"
printf '#!/bin/sh\nexit 101\n' >"$R/usr/sbin/policy-rc.d"; chmod 755 "$R/usr/sbin/policy-rc.d"
chroot "$R" apt-get -q update >/dev/null
DEBIAN_FRONTEND=noninteractive chroot "$R" apt-get -q -y --no-install-recommends install $FORBIDDEN >"$OUT/prepared" 2>&1
rm "$R/usr/sbin/policy-rc.d"
umount -l "$R/dev"
rm -rf "$R"/var/lib/apt/lists/*_* "$R"/var/cache/apt/archives/*.deb
rm -rf "$R"/tmp/* "$R"/run/*
touch "$OUT/scripts"
RULES=1,2,3,4,5,6
gokaku audit --root "$R" --format json -o "$OUT/audit.json" || true
gokaku apply --root "$R" --state-dir "$STATE.plan" --rule 2,3.5,4.3 --format json -o "$OUT/planned.json" || echo $? >"$OUT/planned.status"
run first
cp "$R/var/lib/dpkg/status" "$OUT/dpkg"
chroot "$R" dpkg --audit >"$OUT/dpkg-audit" 2>&1 || true
ls -d "$R"/etc/avahi "$R"/etc/vsftpd.conf "$R"/etc/dhcp/dhcpd.conf 2>/dev/null >"$OUT/left" || true
listing after1
run second
listing after2
"#;
    let forbidden = "avahi-daemon cups iptables-persistent isc-dhcp-server ldap-utils nftables nis \
                     rsh-redone-client slapd talk vsftpd";
    let script = format!("DEBS={}\nFORBIDDEN='{forbidden}'\n{script}", debs.trim());
    let Some(ran) = overlay(test, &script) else { return };
    let forbidden: Vec<&str> = forbidden.split_ascii_whitespace().collect();

    // Without the option, all of them are told with the command and none is touched.
    let planned = ran.json("planned.json");
    assert_eq!(ran.file("planned.status").trim(), "2");
    let reasons = planned["rules"].to_string();
    for name in forbidden.iter().filter(|n| **n != "cups") {
        assert!(reasons.contains(&format!("apt-get purge {name}")), "{name}: {reasons}");
    }
    assert!(reasons.contains("apt-get install ufw"), "{reasons}");

    let (status, log) = ended(&ran, "first");
    let first = report(&ran, "first");
    assert_eq!(status, 0, "{log}\n{first:#}");
    let done = operations(&first).join("\n");
    for name in &forbidden {
        assert!(done.contains(&format!("purged {name} asked ")), "{name}: {done}");
        let record = ran.file("dpkg");
        assert!(!record.contains(&format!("\nPackage: {name}\n")), "{name}");
    }
    for name in ["ufw", "logrotate"] {
        assert!(done.contains(&format!("installed {name} asked ")), "{name}: {done}");
    }
    assert_eq!(first["summary"]["changed_packages"], done.lines().count());
    assert!(ran.file("first.txt").contains("packages: purged: "), "{}", ran.file("first.txt"));
    assert_eq!(ran.file("dpkg-audit"), "", "dpkg finds nothing half-done");
    assert_eq!(ran.file("left"), "", "configuration goes with the package");
    let audit = ran.json("audit.json");
    let (before, after) = (rows(&audit), rows(&first));
    for id in ["2.1.3", "2.1.4", "2.1.5", "2.1.6", "2.1.9", "2.1.17", "2.2.1", "2.2.2", "2.2.3"] {
        assert_eq!(
            (&before[id]["outcome"], &after[id]["outcome"]),
            (&"not_met".into(), &"met".into()),
            "{id}"
        );
        assert_eq!(
            (&after[id]["before"], &after[id]["changed"]),
            (&"not_met".into(), &true.into()),
            "{id}"
        );
    }
    // Files were planned on the tree that the packages left.
    assert_eq!(after["4.3"]["outcome"], "met");

    let (status, log) = ended(&ran, "second");
    assert_eq!(status, 0, "{log}");
    let second = report(&ran, "second");
    assert_eq!(second["changes"].as_array().unwrap().len(), 0, "{second:#}");
    assert_eq!(ran.listing("after1"), ran.listing("after2"), "the second run changes nothing");
}

#[test]
fn package_scripts_see_nothing_of_this_machine() {
    let test = "package_scripts_see_nothing_of_this_machine";
    let script = r#"
gone ufw
cat >"$W/ufw.postinst" <<'END'
exec 3>/srv/seen
env >&3
echo "policy $(/usr/sbin/policy-rc.d x start >/dev/null 2>&1; echo $?)" >&3
echo "devices $(ls /dev | tr '\n' ' ')" >&3
echo "network $(sed -n 's/^ *\([^:]*\):.*/\1/p' /proc/net/dev | tr '\n' ' ')" >&3
(echo 1 >/proc/sys/kernel/printk) 2>/dev/null && echo "kernel written" >&3
echo "first process $(cat /proc/1/comm), $(ls /proc | grep -c '^[0-9]') processes" >&3
echo "parent of the root $(ls -di / /..)" >&3
echo "mask $(umask)" >&3
date >/run/stray; date >/tmp/stray
# A daemon that holds on to everything it has.
sleep 100000 &
END
mkdir -p "$W/ufw.files/etc/ufw"
echo "the package's" >"$W/ufw.files/etc/ufw/made.conf"
pkg ufw 1
index
mkdir -p "$R/etc/ufw"; echo "the administrator's" >"$R/etc/ufw/made.conf"
printf '#!/bin/sh\nexit 0\n' >"$R/usr/sbin/policy-rc.d"; chmod 755 "$R/usr/sbin/policy-rc.d"
OWN_POLICY=yes
run first
cat "$R/usr/sbin/policy-rc.d" >"$OUT/policy"
cat "$R/etc/ufw/made.conf" >"$OUT/conffile"
cp "$R/srv/seen" "$OUT/seen"
"#;
    let Some(ran) = overlay(test, script) else { return };
    let (status, log) = ended(&ran, "first");
    assert_eq!(status, 0, "{log}");
    assert_eq!(operations(&report(&ran, "first")), ["installed ufw asked 3.5.1.1"]);
    let seen = ran.file("seen");
    for leak in ["LEAKED", "GOKAKU", "CARGO", "kernel written"] {
        assert!(!seen.contains(leak), "{leak}: {seen}");
    }
    for want in [
        "DEBIAN_FRONTEND=noninteractive",
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin\n",
        "policy 101",
        "network lo \n",
        "first process exe,",
        "mask 0022",
    ] {
        assert!(seen.contains(want), "{want:?} in {seen}");
    }
    let devices = "devices fd full null ptmx pts random shm stderr stdin stdout tty urandom zero";
    assert!(seen.contains(devices), "{seen}");
    assert_eq!(ran.file("policy"), "#!/bin/sh\nexit 0\n", "the root's own policy stays");
    assert_eq!(ran.file("conffile"), "the administrator's\n");
}

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
    traces | grep -v scratch >>"$OUT/traces" || true
done
# With its keeper at once: only the policy file can be left, and the next run takes it away.
name=all
start
keeper=$(pgrep -P $pid)
kill -KILL $pid "$keeper"; wait $pid || true
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
fn what_is_removed_but_configured_is_left_alone() {
    let test = "what_is_removed_but_configured_is_left_alone";
    let script = r#"
mkdir -p "$W/talk.files/etc"; echo x >"$W/talk.files/etc/talk.conf"
pkg talk 1; index; install talk
chroot "$R" dpkg --remove talk >/dev/null
status talk >"$OUT/talk"
listing before
RULES=2.2.3 run rc
listing after
# A package under a half-state of its own is purged like a whole one.
install talk
sed -i '/^Package: talk$/,/^$/s/^Status: .*/Status: install ok half-configured/' "$R/var/lib/dpkg/status"
RULES=2.2.3 run half
ls "$R/etc/talk.conf" 2>/dev/null >>"$OUT/traces" || true
"#;
    let Some(ran) = overlay(test, script) else { return };
    assert_eq!(ran.file("talk").trim(), "deinstall ok config-files");
    assert_eq!(ended(&ran, "rc").0, 0);
    assert_eq!(ran.listing("before"), ran.listing("after"));
    let (status, log) = ended(&ran, "half");
    assert_eq!(status, 0, "{log}");
    assert_eq!(operations(&report(&ran, "half")), ["purged talk asked 2.2.3"]);
    assert!(notes(&report(&ran, "half")).contains("talk (half-configured)"), "{log}");
}

/// On `/` itself, in a chroot (as in a container build) and as the root of the first process (as on
/// a running system), apt-get runs without being shut in.
#[test]
fn the_programs_own_root_is_changed_directly() {
    let test = "the_programs_own_root_is_changed_directly";
    let Some(gokaku) = std::env::var_os("GOKAKU_STATIC") else {
        return skip(test, "no static program: set GOKAKU_STATIC (tests/run.sh does)");
    };
    let script = r#"
cp "$STATIC" "$R/srv/gokaku"
echo 'echo "policy $(/usr/sbin/policy-rc.d x start >/dev/null 2>&1; echo $?)" >/srv/seen' >"$W/talk.prerm"
pkg talk 1; index
inside='exec env - PATH=/usr/sbin:/usr/bin:/sbin:/bin LEAKED=host SOURCE_DATE_EPOCH='$EPOCH' /srv/gokaku apply --root / --state-dir /srv/state --packages apply --rule 2.2.3 --format json -o /srv/report.json'
job() {
    name=$1; shift
    rm -f "$R/srv/seen"; install talk
    "$@" 2>"$OUT/$name.log" && echo 0 >"$OUT/$name.status" || echo $? >"$OUT/$name.status"
    cp "$R/srv/report.json" "$OUT/$name.json"; cp "$R/srv/seen" "$OUT/$name.seen"
    ls "$R/srv/state" >"$OUT/$name.state" 2>&1 || true
    traces >>"$OUT/traces"
}
touch "$R/srv/seen"
in_chroot() { mount -t proc proc "$R/proc"; chroot "$R" sh -c "$inside" && s=0 || s=$?; umount "$R/proc"; return $s; }
job chroot in_chroot
# The root of process 1 of a process namespace.
as_first() {
    unshare -mpf sh -c 'set -e; mount --bind "$1" "$1"; cd "$1"; pivot_root . mnt
        exec chroot . sh -c "mount -t proc proc /proc; umount -l /mnt; sh -c \"$2\"; exit \$?"' sh "$R" "$inside"
}
job live as_first
"#;
    let script = format!("STATIC={}\n{script}", gokaku.display());
    let Some(ran) = overlay(test, &script) else { return };
    for (name, live, policy) in [("chroot", false, "policy 101"), ("live", true, "policy 127")] {
        let (status, log) = ended(&ran, name);
        assert_eq!(status, 0, "{name}: {log}");
        let report = report(&ran, name);
        assert_eq!(report["target"]["live"], live, "{name}");
        assert_eq!(operations(&report), ["purged talk asked 2.2.3"], "{name}");
        assert_eq!(ran.file(&format!("{name}.seen")).trim(), policy, "{name}");
        assert!(ran.file(&format!("{name}.state")).contains("No such file"), "nothing stays there");
    }
}
