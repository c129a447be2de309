#!/bin/sh
# harden-image.sh [--read-only audit|plan] IMAGE: hardens the system in a disk image that is not in
# use, by mounting it: its root and what its fstab mounts from the same disk. Raw, qcow2 and VHD of
# fixed size, with and without partitions (no LVM, no encryption, no RAID); ext2, ext3, ext4, xfs,
# btrfs without subvolumes, and vfat. Root only. With --read-only nothing of the image changes, and the
# verdict or the plan is on stdout.
#
#   GOKAKU_BINARY     the gokaku to run (the one on the path)
#   GOKAKU_PARTITION  the number of the root partition; else the one that holds an os-release
#   GOKAKU_REPORT     the report (IMAGE.gokaku.json); formats and the rest as harden.sh reads them
#   GOKAKU_STATE_DIR  where the undo journal lies meanwhile (/var/lib/gokaku)
#   GOKAKU_WORK_DIR   where a qcow2 is unpacked to (beside the image)
#   GOKAKU_TIME_LIMIT seconds that any one program may take (3600); one that only asks or tidies up gets
#                     60 at most
#   GOKAKU_UNDO_TIME  seconds to undo what was done, after a signal (120)
#
# All mounts are in a namespace of their own, and the kernel frees the loop devices with the last
# of them: however this ends, by ctrl-C or kill -9, nothing stays mounted or attached. A raw or VHD
# image is changed in place, each file in one step; what a run that was killed has left is undone by
# the next. A qcow2 image is replaced as a whole, when all is done. One that needs no change is not
# written to. `gokaku image` decides what may be mounted; SECURITY.md says what that asks for.
#
# Exit status: gokaku's own; 3 also for an image that is in use, mounted, not clean, or made in a way
# that is not known here.
set -eu
umask 077

# What ends a run is said, wherever the output of a command goes.
exec 4>&2
say() { printf 'harden-image: %s\n' "$*" || :; }
die() {
    status=$1
    shift
    printf 'harden-image: error: %s\n' "$*" >&4 || :
    exit "$status"
}
here=$(cd "$(dirname "$0")" && pwd)
tab=$(printf '\t')
limit=${GOKAKU_TIME_LIMIT:-3600} patience=${GOKAKU_UNDO_TIME:-120}
# From `gokaku image lock`.
image=${image:-} format=${format:-} raw=${raw:-} new=${new:-} half_done=${half_done:-} talk=${talk:-}
# brief COMMAND…: what takes no time, unless a disk does not answer.
brief() { timeout --foreground -k 5 "$([ "$limit" -gt 60 ] && echo 60 || echo "$limit")" "$@"; }
# What is installed is for everybody.
need() { (umask 022 && timeout --foreground -k 30 "$limit" "$here/need.sh" "$@"); }

# ---- Inside the namespace: everything that reads the image or mounts. ------------------------

child='' stopping=''
stop() {
    stopping=1
    [ -n "$child" ] || exit 143
    kill -TERM "$child" 2>/dev/null || :
}

# carry COMMAND…: with a time limit. A signal reaches it once, and it has time to undo.
carry() {
    [ -z "$stopping" ] || exit 143
    timeout --foreground -k "$patience" "$limit" "$@" &
    child=$! code=0
    [ -z "$stopping" ] || kill -TERM "$child" 2>/dev/null || :
    while kill -0 "$child" 2>/dev/null; do
        code=0
        wait "$child" || code=$?
    done
    child=
    [ "$code" -ne 124 ] || die 1 "$1: took more than $limit seconds (GOKAKU_TIME_LIMIT)"
    return "$code"
}
# run COMMAND…: as carry, and when a signal came there is nothing more to do.
run() {
    code=0
    carry "$@" || code=$?
    [ -z "$stopping" ] || exit 143
    return "$code"
}
# ask VERB…: what gokaku says of the image. A refusal ends the run, with its reason.
ask() { run "$program" -q image "$@" 2>why || die "$code" "$image: $(tail -n 1 why | sed -E 's/^gokaku: (error|エラー): //')"; }

# each FUNCTION FILE: calls it for each filesystem in the answer of `gokaku image mounts`, with what is
# known of that in variables.
each() {
    while IFS=$tab read -r kind n path state type start size package checker read write; do
        [ "$kind" != mount ] || "$1"
    done <"$2"
}

# device: the filesystem as a read-only device that is gone with descriptor 5.
device() {
    device=$(brief losetup -r -f --show -o "$start" --sizelimit "$size" "$disk") || die 1 "no loop device: see above"
    exec 5<"$device"
    brief losetup -d "$device"
}

# is_clean: whether it is free of errors; else the file output says what is wrong. What a run of ours left when
# the disk was full or the machine failed, the journal of ext makes good.
is_clean() {
    if [ "$state" = mend ]; then
        say "an earlier run was cut off: its filesystem at byte $start is brought in order (e2fsck -p)"
        run e2fsck -p "$disk?offset=$start" >output 2>&1 || [ "$code" -le 1 ] || return 1
    fi
    need "${checker%% *}:$package" || exit
    bad=0 device="$disk?offset=$start"
    case $type in ext[234]) ;; *) device ;; esac
    # shellcheck disable=SC2086 # a command and its options
    run $checker "$device" >output 2>&1 || bad=1
    exec 5<&-
    [ "$bad" -eq 0 ] && ! grep -q 'metadata changes in a log' output
}
unclean() {
    tail -n 20 output >&2
    die "$1" "$image: partition $n ($path) $2"
}

# try: mounts what may be the root by its number, or says in a file why it cannot.
try() {
    mkdir "systems/$n"
    if ! is_clean; then
        tail -n 20 output >&2
        echo "is not clean (above): repair it first" >"systems/$n.why"
    else
        # shellcheck disable=SC2086 # arguments
        run mount $read "$disk" "systems/$n" 2>output ||
            echo "cannot be mounted on a loop device here ($(tail -n 1 output))" >"systems/$n.why"
    fi
}
tried() { [ -e "systems/$n.why" ] || run umount "systems/$n"; }
# The root was checked when it was tried.
before() { [ "$path" = / ] || is_clean || unclean 3 "is not clean (above): repair it first"; }
after() {
    state=clean
    is_clean || { ask room "$file" && unclean 1 "was clean before and is not now (above)"; }
}

attach() {
    place=$root${path%/}
    { [ -d "$place" ] && [ "$(realpath -e -- "$place")" = "$place" ]; } ||
        die 3 "$image: its fstab mounts partition $n at $path, where no directory stands"
    # shellcheck disable=SC2086 # arguments
    run mount $1 "$disk" "$place" 2>output ||
        die 1 "$image: partition $n cannot be mounted on a loop device here ($(tail -n 1 output))"
}
reading() { attach "$read"; }
writing() { attach "$write"; }

# qcow2 VERB STATUS WORDS: what qemu-img says of the image, in VERB.json; or the end.
qcow2() {
    run qemu-img "$1" -U -f qcow2 --output=json "$PWD/image" >"$1.json" 2>output ||
        die "$2" "$image: $3 ($(tail -n 1 output))"
}
unpack() {
    need qemu-img:qemu-utils
    same=$(stat -c '%i %s %y %z' "$image")
    qcow2 info 3 "is in use or not to be read"
    qcow2 check 3 "is not clean: repair it first (qemu-img check -r all)"
    qcow2 map 1 "cannot be mapped"
    ask inspect image --qemu-info info.json --qemu-check check.json >like
    { read -r options && { read -r compressed || :; }; } <like
    ask room "$image" --qemu-map map.json --work-dir "$(dirname "$raw")"
    disk=$raw
    (set -C && : >"$disk") || die 1 "$disk: cannot be made"
    say "unpacking qcow2"
    run qemu-img convert $progress -U -f qcow2 -O raw "$PWD/image" "$disk" || die 1 "$image: cannot be unpacked"
    unchanged
}
unchanged() {
    [ "$(stat -c '%i %s %y %z' "$image")" = "$same" ] || die 3 "$image: was changed by something else meanwhile"
}
pack() {
    say "packing qcow2 ($options${compressed:+, compressed})"
    (set -C && : >"$new") || die 1 "$new: cannot be made"
    # shellcheck disable=SC2086 # one word or none
    run qemu-img convert $progress -f raw -O qcow2 $compressed -o "$options" "$disk" "$new" ||
        die 1 "$image: cannot be packed; it is as before"
    run qemu-img compare -q -f raw -F qcow2 "$disk" "$new" ||
        die 1 "$image: the packed image is not what was packed; it is as before"
    unchanged
    run cp --attributes-only --preserve=all "$image" "$new"
    run touch "$new"
    run sync "$new"
    # From here on there is nothing to undo.
    trap '' TERM
    brief mv -f -T "$new" "$image"
    timeout --foreground -k 30 "$limit" sync "$(dirname "$image")"
}

inside() {
    trap stop TERM
    trap '' INT HUP
    # As the process outside knows this one.
    read -r pid _ </proc/self/stat
    printf '%s\n' "$pid" >"$talk/pid"
    [ ! -e "$talk/stop" ] || exit 143

    # What is needed only meanwhile is seen in here only.
    (umask 022 && mkdir -p "$(dirname "$journals")")
    mkdir -p "$journals/mount" || die 1 "$journals: cannot be made"
    brief mount -t tmpfs -o mode=700 harden-image "$journals/mount"
    cd -P "$journals/mount"
    mkdir bin root systems
    # A name without odd characters, which would mean something to the tools; and reading leaves no
    # trace in its times.
    : >image
    brief mount --bind "$image" image
    access=rw
    [ "$mode" = harden ] && [ "$format" != qcow2 ] || access=ro
    brief mount -o "remount,bind,noatime,nosuid,nodev,noexec,$access" image
    disk=$PWD/image root=$PWD/root file=$image
    ln -s "$program" bin/gokaku
    PATH=$PWD/bin:$PATH
    progress='' compressed=''
    # What is only read is not mended.
    [ "$mode" = harden ] || half_done=
    [ ! -t 1 ] || progress=-p
    [ "$format" != qcow2 ] || { unpack && file=$raw; }

    # Drivers that are modules.
    ask inspect "$disk" >found
    cut -s -f 5 found | sort -u | while read -r driver; do brief modprobe -q "$driver" 2>/dev/null || :; done
    ask mounts "$disk" ${half_done:+--half-done} >candidates
    each try candidates
    ask mounts "$disk" ${half_done:+--half-done} --systems systems >machine
    each tried candidates
    sed -n "s/^left$tab\([^$tab]*\)$tab/harden-image: left: \1: /p" machine
    each before machine
    IFS=$tab read -r _ number _ _ main _ bytes _ <machine
    say "$(grep -c "^mount$tab" machine) filesystems, clean; / is partition $number, $main, $bytes bytes"
    each reading machine

    if [ "$mode" != harden ]; then
        set -- "$mode" --root "$root"
        [ -z "${GOKAKU_REPORT:-}" ] || set -- "$@" --format text -o - --format json -o "$GOKAKU_REPORT"
        status=0
        run gokaku "$@" || status=$?
        run umount -R "$root"
        exit "$status"
    fi

    # A copy that is thrown away needs no journal that outlives this.
    journal=$PWD/journal
    if [ "$format" != qcow2 ]; then
        ask journal "$image" --partition "$number" --state-dir "$journals" >"$talk/journal"
        journal=$(cat "$talk/journal")
    fi
    run gokaku plan --root "$root" --format json -o plan >/dev/null 2>&1 || :
    changes=0
    if [ -s plan ]; then
        ask room "$file" --plan plan --root "$root" --partition "$number" >need
        changes=$(sed -n "s/^changes$tab//p" need)
    fi
    # What is half done is a change, too.
    [ ! -d "$journal" ] || changes=1
    if [ "$changes" -gt 0 ]; then
        run umount -R "$root"
        each writing machine
        [ "$format" = qcow2 ] ||
            run "$program" image recover "$image" --root "$root" --partition "$number" --state-dir "$journals" ||
            die 1 "$image: half done, and cannot be put right (above)"
    fi
    status=0
    GOKAKU_BINARY='' GOKAKU_STEP=all GOKAKU_ROOT=$root GOKAKU_STATE_DIR=$journal \
        carry sh "$here/harden.sh" || status=$?
    # From here on there is nothing to undo; a signal waits until all is in order.
    trap 'asked=1' TERM
    asked=$stopping stopping=
    carry umount -R "$root"
    # Only the journal of a run that was cut off is of use; so is one of which that is not known.
    cut_off=$(brief "$program" -q image unfinished "$journal") || cut_off=perhaps
    [ -z "$cut_off" ] || ask room "$file"
    each after machine
    rm -rf "$journal/.harden"
    [ -n "$cut_off" ] || rm -rf "$journal"
    # What was done before the signal came stays done.
    if [ "$status" -eq 143 ]; then
        [ -n "$cut_off" ] || say "$image: stopped; every change was undone"
        exit 143
    fi
    # A copy is thrown away.
    if [ "$changes" -gt 0 ] && [ "$format" = qcow2 ]; then
        trap stop TERM
        [ -z "$asked" ] || exit 143
        pack
    fi
    [ "$changes" -gt 0 ] && how="written, clean" || how="not written to"
    say "$image: $how; report in $GOKAKU_REPORT"
    exit "$status"
}

# ---- Outside: what is asked for. `gokaku image lock` runs the above, passes signals on, and tidies up.

[ "${1:-}" != --inside ] || inside

mode=harden use=write
if [ "${1:-}" = --read-only ]; then
    mode=${2:-nothing} use=read
    case $mode in
    audit | plan) shift 2 ;;
    *) die 64 "--read-only: found $mode, want audit or plan" ;;
    esac
fi
[ $# -eq 1 ] || die 64 "usage: harden-image.sh [--read-only audit|plan] IMAGE"
[ -f "$1" ] || die 64 "$1: not a regular file"
[ "$(id -u)" -eq 0 ] || die 1 "only root can mount an image"
need unshare:util-linux setpriv:util-linux setsid:util-linux losetup:mount mount:mount \
    e2fsck:e2fsprogs timeout:coreutils
unshare --help | grep -q -e --kill-child || die 1 "unshare is too old here: want util-linux 2.32 or newer"
program=${GOKAKU_BINARY:-$(command -v gokaku)} || die 1 "no gokaku on the path; name it in GOKAKU_BINARY"
program=$(realpath "$program")
brief "$program" --version >/dev/null || die 1 "$program does not run here"
[ "$mode" != harden ] || GOKAKU_REPORT=${GOKAKU_REPORT:-$(realpath "$1").gokaku.json}
[ -z "${GOKAKU_REPORT:-}" ] || GOKAKU_REPORT=$(realpath -m "$GOKAKU_REPORT")
journals=$(realpath -m "${GOKAKU_STATE_DIR:-/var/lib/gokaku}")
work=$(realpath -m "${GOKAKU_WORK_DIR:-$(dirname "$(realpath "$1")")}")
[ -d "$work" ] || die 64 "GOKAKU_WORK_DIR: found $work, want a directory"
export mode program journals GOKAKU_REPORT
exec "$program" -q image lock --apart --for "$use" --work-dir "$work" --state-dir "$journals" "$1" -- sh "$0" --inside
