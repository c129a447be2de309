#!/bin/sh
# power-loss.sh ROOTFS GOKAKU KERNEL_DIR INITRD JOB CUTS SEED OUT: cuts the power of a machine CUTS
# times while `gokaku apply --root /` runs in it, and lets the next boot judge what was left. Called by
# run.sh; prints `pass|FAIL<tab>name<tab>words` lines.
#
# The power is cut by kill -9 of the machine, whose disk has a write cache as real ones have: a write
# is in the image at once, but the map that says where (qcow2's, in blocks of 4 KiB) is in the
# machine's memory until the disk is told to flush. A write that was not flushed is then gone as if it
# had never been, while others, later ones too, may have come through. The first cut proves that.
#
# The machine runs no init, so that many cuts are affordable; after every tenth the image is booted in
# full besides. The moments come from SEED: a third anywhere in the run, the others while it writes.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
[ $# -eq 8 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 64; }
rootfs=$1 gokaku=$2 kernel=$3 initrd=$4 full=$5 cuts=$6 seed=$7 out=$8
"$here/../provision/need.sh" qemu-img:qemu-utils qemu-system-x86_64:qemu-system-x86
work=$(mktemp -d "${TMPDIR:-/var/tmp}/gokaku-cut.XXXXXX")
machine=
# boot.sh, told to end, ends its machine.
trap '[ -z "$machine" ] || kill "$machine" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir -p "$out"
accelerator=$("$here/accelerator.sh" "$kernel" "$initrd")
say() { printf '%s\t%s\t%s\n' "$1" "$2" "${3:-}"; }
say pass "seed-$seed" "$cuts cuts, $accelerator"

mkdir "$work/job"
cp "$gokaku" "$work/job/gokaku"
cp "$(command -v busybox)" "$work/job/busybox"
cp "$here/jobs/power-loss.sh" "$work/job/run"
"$here/image.sh" "$rootfs" "$work/base"
disk=$work/base format=raw

# start NAME ERRAND: a machine on a fresh layer over the disk as it was left.
start() {
    serial=$out/$1.serial layer=$work/$1.qcow2
    rm -f "$work/pid"
    : >"$serial"
    qemu-img create -q -f qcow2 -o cluster_size=4096 -F "$format" -b "$disk" "$layer"
    disk=$layer format=qcow2
    "$here/boot.sh" -A "$accelerator" -k "$kernel" -r "$initrd" -i "$layer" -v -w -t 1800 \
        -d format=qcow2,cache=writeback -j "$work/job" -o "$work/out" -p "$work/pid" -l "$serial" \
        -a "job.init=1 cut.do=$2 cut.was=${was:-cut}" >/dev/null 2>&1 &
    machine=$!
}
# after WORD…: waits for what the machine says; false if it ends before.
after() {
    until grep -q "^machine: $*" "$serial"; do
        kill -0 "$machine" 2>/dev/null || return 1
        sleep 0.02
    done
}
cut_power() {
    kill -9 "$(cat "$work/pid")"
    wait "$machine" || true
    machine=
}
# judged: passes on the verdicts of the machine.
judged() {
    tr -d '\r' <"$serial" | sed -n 's/^machine: verdict \([a-zA-Z]*\) \([^ ]*\) *\(.*\)/\1\t\2\t\3/p' |
        while IFS=$(printf '\t') read -r come what words; do say "$come" "$1: $what" "$words"; done
}
lost() {
    say FAIL "$1" "the machine ended by itself; see $serial"
    cp "$serial" "$out/failed.serial"
    exit 0
}
now() { date +%s%N | cut -c1-13; }

# How long the run is, and from when it writes.
start measure measure
after start || lost measure
t0=$(now)
after writes || lost measure
t1=$(now)
after "done" || lost measure
t2=$(now)
wait "$machine" || true
machine=
grep -q '^machine: done 0' "$serial" || lost measure
say pass measured "$((t2 - t0)) ms, of which the last $((t2 - t1)) write"

start disk disk
after start || lost disk
cut_power
errand=disk-after cut=1
awk -v seed="$seed" -v cuts="$cuts" 'BEGIN {
    srand(seed)
    for (i = 1; i <= cuts; i++) print (rand() < 1 / 3 ? "start" : "writes"), rand()
}' >"$work/moments"
while read -r mark fraction <&3; do
    start "cut-$cut" "$errand"
    after "$mark" || lost "cut-$cut"
    span=$((t2 - t0))
    [ "$mark" = start ] || span=$((t2 - t1))
    wait_for=$(awk -v ms="$span" -v f="$fraction" 'BEGIN { printf "%.3f", ms * f * 1.1 / 1000 }')
    sleep "$wait_for"
    cut_power
    if [ "$errand" = disk-after ]; then judged disk; else judged "after cut $((cut - 1))"; fi
    ended=$(tr -d '\r' <"$serial" | grep -c '^machine: done' || true)
    was="cut"
    [ "$ended" -eq 0 ] || was="done"
    say pass "cut-$cut" "$wait_for s after \"$mark\"$([ "$was" = "cut" ] || echo ", when all was done")"
    if [ $((cut % 10)) -eq 0 ]; then
        rm -rf "$out/full-$cut"
        if "$here/boot.sh" -A "$accelerator" -k "$kernel" -r "$initrd" -i "$disk" -v -t 1800 \
            -d format=qcow2,snapshot=on,cache=unsafe -j "$full" -o "$out/full-$cut" 2>/dev/null; then
            grep "$(printf '\tkeeps\t')" "$out/full-$cut/verdicts" | while IFS=$(printf '\t') read -r come _ what _ words; do
                case $come in
                skip) come=SKIPPED ;;
                fail) come=FAIL ;;
                esac
                say "$come" "full boot after cut $cut: $what" "$words"
            done
        else
            say FAIL "full boot after cut $cut" "see $out/full-$cut/serial"
        fi
    fi
    errand="cut" cut=$((cut + 1))
done 3<"$work/moments"
start last last
wait "$machine" || true
machine=
judged "after cut $((cut - 1))"
