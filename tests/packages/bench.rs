//! A root in an overlay with a repository of made-up packages, and what a run on it told.

use serde_json::Value;

use crate::support::{Ran, in_overlay, repository, root};

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

pub fn overlay(test: &str, script: &str) -> Option<Ran> {
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
pub fn ended(ran: &Ran, name: &str) -> (i32, String) {
    let log = ran.file(&format!("{name}.log"));
    assert!(!log.contains("panicked"), "{log}");
    (ran.file(&format!("{name}.status")).trim().parse().unwrap(), log)
}

pub fn report(ran: &Ran, name: &str) -> Value {
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
pub fn operations(report: &Value) -> Vec<String> {
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

pub fn failure(report: &Value) -> &str {
    report["packages"]["failure"]["en"].as_str().unwrap_or_default()
}

pub fn notes(report: &Value) -> String {
    report["packages"]["notes"].to_string()
}
