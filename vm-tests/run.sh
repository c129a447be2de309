#!/bin/sh
# run.sh [--all] [--power-loss N [--seed S]]: does a hardened image still boot and work?
#
# From nothing to a verdict: a root file system, a disk image of it hardened by `gokaku apply`, and
# what the booted system says for itself, beside what the image as it was says. By default a
# container lane (seconds) and one disk image booted twice in a virtual machine. Needs root; installs
# what it needs.
#
#   --containers     the container lane only
#   --all            boot the unhardened image, too, let packages drift in a machine, and cut the
#                    power 30 times
#   --power-loss N   cut the power N times during an apply (power-loss.sh); nothing else
#   --seed S         the moments of that; printed
#
# Each check is one line: pass, FAIL, or SKIPPED with the cause. What came back from each boot, with
# the log of its serial console, is kept in target/vm-tests/.
#
# GOKAKU_STANDIN  the root; default: tests/standin-root.sh makes it
# GOKAKU_STATIC   the static binary; default: provision/build-static.sh makes it
# GOKAKU_VM_KEPT  a directory instead of target/vm-tests, empty or not there: for runs side by side
set -eu

here=$(cd "$(dirname "$0")" && pwd)
repo=$(dirname "$here")
lanes=default cuts=0 seed=$(date +%s)
while [ $# -gt 0 ]; do
    case $1 in
    --all) lanes=all cuts=30 ;;
    --containers) lanes=containers ;;
    --power-loss) lanes=cuts cuts=$2; shift ;;
    --seed) seed=$2; shift ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
    esac
    shift
done

kept=${GOKAKU_VM_KEPT:-$repo/target/vm-tests}
[ -n "${GOKAKU_VM_KEPT:-}" ] || rm -rf "$kept"
mkdir -p "$kept"
[ -z "$(ls -A "$kept")" ] || { echo "error: GOKAKU_VM_KEPT: $kept is not empty" >&2; exit 64; }
passed=0 failed=0 skipped=0
# say pass|FAIL|SKIPPED LANE NAME [WORDS]
say() {
    case $1 in
    pass) passed=$((passed + 1)) ;;
    FAIL) failed=$((failed + 1)) ;;
    SKIPPED) skipped=$((skipped + 1)) ;;
    esac
    printf '%-8s%s: %s%s\n' "$1" "$2" "$3" "${4:+: $4}" | tee -a "$kept/verdicts"
}
# check LANE NAME COMMAND…
check() {
    lane=$1 name=$2
    shift 2
    if "$@" >"$work/told" 2>&1; then say pass "$lane" "$name"; else say FAIL "$lane" "$name" "$(tail -n 1 "$work/told")"; fi
}
finish() {
    [ "$failed" -eq 0 ] || echo "vm-tests: what came back is in $kept" >&2
    echo "vm-tests: $passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ]
}

if [ "$(id -u)" -ne 0 ]; then
    say SKIPPED vm-tests everything "needs root (a container of its own, owners of the image's files)"
    finish
    exit
fi
"$repo/provision/need.sh" ssh-keygen:openssh-client jq:jq mkudffs:udftools unshare:util-linux
work=$(mktemp -d "${TMPDIR:-/var/tmp}/gokaku-vm.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# --- what is tested
gokaku=${GOKAKU_STATIC:-$repo/target/static/gokaku}
[ -n "${GOKAKU_STATIC:-}" ] || "$repo/provision/build-static.sh" "$gokaku" >&2
standin=${GOKAKU_STANDIN:-$("$repo/tests/standin-root.sh")}
kernel=''
[ $lanes = containers ] || kernel=$("$here/kernel.sh")
ssh-keygen -q -t ed25519 -N '' -C vm-tests -f "$work/key"
plain=$work/plain hardened=$work/hardened
"$here/machine-root.sh" "$standin" "$plain" "$work/key.pub" "$kernel"
# harden ROOT REPORT OPTION…
harden() {
    root=$1 report=$2
    shift 2
    "$gokaku" apply -q --root "$root" --state-dir "$work/state" --format json -o "$report" "$@"
}
cp -a "$plain" "$hardened"
check offline apply-ends-as-declared harden "$hardened" "$kept/apply.json"
check offline audit-agrees "$gokaku" audit -q --root "$hardened" --format json -o "$kept/offline.json"

# --- jobs
# job NAME PART…: a directory for boot.sh and container.sh that does these parts of jobs/.
job() {
    job=$work/job-$1
    shift
    mkdir "$job"
    cp "$here/jobs/verdicts.sh" "$work/key" "$job/"
    awk -f "$here/sysctl-want.awk" "$repo"/profiles/aks-ubuntu-18.04/*.toml >"$job/sysctl.want"
    echo '. /run/job/in/verdicts.sh' >"$job/run"
    for part; do
        cp "$here/jobs/$part.sh" "$job/"
        echo ". /run/job/in/$part.sh" >>"$job/run"
    done
    echo end_of_job >>"$job/run"
}
# told LANE OUT hardened|plain: the verdicts of a job as lines.
told() {
    lane=$1 out=$2 image=$3
    tab=$(printf '\t')
    if ! grep -q "^end$tab" "$out/verdicts" 2>/dev/null; then
        say FAIL "$lane" job-ends "the job did not come to its end; see $out/log and $out/serial"
    fi
    [ -e "$out/verdicts" ] || return 0
    while IFS=$tab read -r come kind name _ words; do
        case $image-$kind-$come in
        *-end) ;;
        *-skip) say SKIPPED "$lane" "$name" "$words" ;;
        plain-holds-*) ;;               # the image as it was may be either
        plain-gains-fail) say pass "$lane" "$name" "does not hold, so the check can tell" ;;
        plain-gains-pass) say FAIL "$lane" "$name" "holds without hardening: the check tells nothing" ;;
        *-pass) say pass "$lane" "$name" ;;
        *-fail) say FAIL "$lane" "$name" "$words" ;;
        esac
    done <"$out/verdicts"
}
# no_new_failures PLAIN_OUT OUT
no_new_failures() {
    for list in "$1/failed-units" "$2/failed-units"; do
        [ -e "$list" ] || { echo "$list did not come back"; return 1; }
    done
    comm -13 "$1/failed-units" "$2/failed-units" | tr '\n' ' ' >"$work/new"
    cat "$work/new"
    [ ! -s "$work/new" ]
}
same() { cmp "$1" "$2" || { diff "$1" "$2" | tail -n 1; return 1; }; }

# --- containers
containers() {
    job system up system
    for image in plain hardened; do
        out=$kept/container-$image
        "$here/container.sh" -r "$work/$image" -j "$job" -o "$out" || true
        told "container, $image" "$out" $image
    done
    before=$kept/container-plain after=$kept/container-hardened
    check container no-unit-fails-that-did-not no_new_failures "$before" "$after"
    check container time-service-untouched same "$before/time-config" "$after/time-config"
    check container firewall-untouched same "$before/ufw.txt" "$after/ufw.txt"
    check container units-untouched same "$before/unit-files" "$after/unit-files"
    if drift_job "container, drift"; then
        "$here/container.sh" -r "$hardened" -j "$job" -o "$kept/drift" || true
        told "container, drift" "$kept/drift" hardened
    fi
    users
    broken
}

# What people and services do goes on working, and the rows that would have ended it say so.
users() {
    lane='container, users'
    if ! "$here/used-root.sh" "$plain" "$work/used" "$work/key.pub" 2>"$kept/used.log"; then
        say SKIPPED "$lane" everything "this root's packages cannot be fetched; see $kept/used.log"
        return
    fi
    cp -a "$work/used" "$work/used-hardened"
    harden "$work/used-hardened" "$kept/used.json" 2>"$kept/used.err" || true
    left() { jq -e --arg id "$1" --arg says "$2" '.rules[] | select(.id == $id) |
        .outcome == "not_met" and (.reason.en | contains($says))' "$kept/used.json"; }
    check "$lane" shells-in-use-are-left-and-said left 5.5.2 "app loses its login shell"
    check "$lane" logins-are-left-and-said left 5.5.2 "deploy can no longer log in over SSH"
    check "$lane" chroot-is-left-and-said left 6.2.5 "shuts the account into /home/jo"
    check "$lane" pages-are-left-and-said left 6.2.6 "lighttpd can no longer serve /home/pat/public_html"
    named() { jq -e --arg effect "$1" '.consequences[] | select(.effect == $effect) | .named' "$kept/used.json"; }
    check "$lane" incoming-mail-is-named named incoming_mail
    job users up users
    for image in used used-hardened; do
        out=$kept/container-$image
        "$here/container.sh" -r "$work/$image" -j "$job" -o "$out" || true
        case $image in used) kind=plain ;; *) kind=hardened ;; esac
        told "$lane, $image" "$out" $kind
    done
    rm -rf "$work/used" "$work/used-hardened"
}

# What packages do to a hardened system, and that it is named and repaired.
drift_job() {
    job=$work/job-drift
    [ ! -e "$job" ] || return 0
    debs=$work/debs
    if ! "$here/debs.sh" "$standin" "$debs" openssh-server libpam-pwquality 2>"$kept/debs.log"; then
        say SKIPPED "$1" everything "this root's packages cannot be fetched; see $kept/debs.log"
        return 1
    fi
    job drift drift
    mkdir "$job/debs"
    for deb in "$debs"/openssh-server_* "$debs"/libpam-pwquality_*; do
        name=${deb##*/}
        cp "$deb" "$job/debs/${name%%_*}.deb"
    done
    cp "$gokaku" "$job/gokaku"
}

# Mistakes that would break a node. gokaku does not take a profile with a cipher that no sshd knows;
# what gets past it all the same (here: written by hand) the job above must see.
broken() {
    lane='container, broken'
    profile=$work/profile
    cp -r "$repo/profiles/aks-ubuntu-18.04" "$profile"
    sed -i 's/"aes256-ctr",/"aes512-ctr",/' "$profile"/*.toml
    cp -a "$plain" "$work/broken"
    refused() {
        ! harden "$work/broken" "$kept/refused.json" --profile "$profile" 2>"$kept/refused.err" &&
            grep aes512-ctr "$kept/refused.err" && diff -r --no-dereference "$plain/etc" "$work/broken/etc"
    }
    check "$lane" profile-with-unknown-cipher-refused refused

    harden "$work/broken" "$kept/broken.json" || true
    sed -i 's/^Ciphers .*/Ciphers aes512-ctr/' "$work/broken/etc/ssh/sshd_config"
    sed -i '1i password required pam_nowhere.so' "$work/broken/etc/pam.d/common-password"
    "$here/container.sh" -r "$work/broken" -j "$work/job-system" -o "$kept/broken" || true
    caught() { cut -f 1,3 "$kept/broken/verdicts" | grep -x "fail$(printf '\t')$1"; }
    check "$lane" unknown-cipher-caught caught ssh-build-key-login
    check "$lane" missing-pam-module-caught caught password-good-accepted
    names() { ! "$gokaku" audit -q --root "$work/broken" --format json -o "$kept/broken-audit.json" && row_not_met 5.3.13; }
    row_not_met() { jq -e --arg id "$1" '.rules[] | select(.id == $id) | .outcome == "not_met"' "$kept/broken-audit.json"; }
    check "$lane" unknown-cipher-named-by-audit names
    rm -rf "$work/broken"
}

# --- virtual machines
# same_verdicts LANE OUT BOOT OFFLINE: the live audit against the offline one, row by row.
same_verdicts() {
    rows='.rules[] | [.id, .outcome, (.remedy // "-"), (.drift | tostring)] | @tsv'
    if ! jq -r "$rows" "$2/audit.json" >"$2/live.tsv" 2>/dev/null; then
        say FAIL "$1" live-audit "no report came back"
        return
    fi
    jq -r "$rows" "$4" >"$2/offline.tsv"
    count=0
    while read -r id outcome remedy drift <&3 && read -r id2 outcome2 remedy2 drift2 <&4; do
        count=$((count + 1))
        [ "$id $outcome $remedy $drift" != "$id2 $outcome2 $remedy2 $drift2" ] || continue
        # Of a row that is let through, the reason is told.
        if why=$(grep "^$3 $id " "$here/explained"); then
            say pass "$1" "live-audit-$id" "$outcome offline, $outcome2 live: ${why#"$3 $id "}"
        else
            say FAIL "$1" "live-audit-$id" "$outcome $remedy $drift offline, $outcome2 $remedy2 $drift2 live"
        fi
    done 3<"$2/offline.tsv" 4<"$2/live.tsv"
    check "$1" live-audit-has-every-row [ "$count" -eq "$(jq '.rules | length' "$4")" ]
    check "$1" live-audit-knows-it-is-live [ "$(jq .target.live "$2/audit.json")" = true ]
}

# An image of others, in a machine that is thrown away: as if it had been hardened here.
foreign() {
    "$here/image.sh" "$standin" "$work/foreign.raw" && "$here/foreign.sh" "$work/foreign.raw" "$kept/foreign.json" &&
        [ "$(jq .summary.changed_files "$kept/foreign.json")" -gt 10 ] &&
        e2fsck -fn "$work/foreign.raw" &&
        debugfs -R 'cat /etc/modprobe.d/CIS.conf' "$work/foreign.raw" | grep -q '^install cramfs'
}

machines() {
    initrd=$work/initrd
    "$here/initrd.sh" "$kernel" "$initrd"
    GOKAKU_STATIC=$gokaku
    export GOKAKU_STATIC
    check vm foreign-image-hardened-in-a-machine-of-its-own foreign
    rm -f "$work/foreign.raw"
    accelerator=$("$here/accelerator.sh" "$kernel" "$initrd")
    case $accelerator in
    kvm) echo "vm-tests: KVM boots a kernel here and is used" ;;
    *) echo "vm-tests: emulation: no kernel boots under KVM here; a boot takes a minute or more" ;;
    esac
    boot() { "$here/boot.sh" -A "$accelerator" -k "$kernel" -r "$initrd" -t 1800 "$@" || true; }
    # equip: what a job in a machine needs beside its parts.
    equip() {
        cp "$gokaku" "$job/gokaku"
        cp "$(command -v busybox)" "$job/busybox"
        cp "$here/container.json" "$job/"
        : >"$job/machine"
        truncate -s 4M "$job/udf.img"
        mkudffs "$job/udf.img" >/dev/null
    }
    job first up system machine
    equip
    first=$job
    job second up second-boot login
    equip
    second=$job

    "$here/image.sh" "$hardened" "$work/image"
    boot -w -i "$work/image" -j "$first" -o "$kept/machine-1"
    told "machine, first boot" "$kept/machine-1" hardened
    same_verdicts "machine, first boot" "$kept/machine-1" first "$kept/offline.json"
    boot -w -i "$work/image" -j "$second" -o "$kept/machine-2"
    told "machine, second boot" "$kept/machine-2" hardened
    same_verdicts "machine, second boot" "$kept/machine-2" second "$kept/offline.json"
    before=$kept/container-plain
    if [ $lanes = all ]; then
        before=$kept/machine-plain
        "$here/image.sh" "$plain" "$work/image"
        boot -i "$work/image" -j "$first" -o "$before"
        told "machine, plain" "$before" plain
        "$gokaku" audit -q --root "$plain" --format json -o "$kept/offline-plain.json" 2>"$kept/offline-plain.err" || true
        same_verdicts "machine, plain" "$before" plain "$kept/offline-plain.json"
        check machine apparmor-untouched same "$before/apparmor.txt" "$kept/machine-1/apparmor.txt"
        if drift_job "machine, drift"; then
            "$here/image.sh" "$hardened" "$work/image"
            boot -i "$work/image" -j "$job" -o "$kept/machine-drift"
            told "machine, drift" "$kept/machine-drift" hardened
        fi
    fi
    for n in 1 2; do
        check "machine, boot $n" no-unit-fails-that-did-not no_new_failures "$before" "$kept/machine-$n"
    done
    rm -f "$work/image"
}

power_loss() {
    job cut up login
    : >"$job/machine"
    "$here/initrd.sh" "$kernel" "$work/initrd"
    "$here/power-loss.sh" "$plain" "$gokaku" "$kernel" "$work/initrd" "$job" "$cuts" "$seed" \
        "$kept/power-loss" >"$work/cuts"
    while IFS=$(printf '\t') read -r come name words; do
        say "$come" "power loss" "$name" "$words"
    done <"$work/cuts"
}

[ $lanes = cuts ] || containers
[ $lanes = containers ] || [ $lanes = cuts ] || machines
[ "$cuts" -eq 0 ] || power_loss
finish
