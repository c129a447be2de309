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
#   GOKAKU_TIME_LIMIT seconds that any one program may take (3600)
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
limit=${GOKAKU_TIME_LIMIT:-3600}
patience=${GOKAKU_UNDO_TIME:-120}
# number_of FILE: what an image keeps when it is renamed.
number_of() { stat -c '%d:%i' -- "$1" 2>/dev/null | sha256sum | cut -c 1-16; }
# What is installed is for everybody.
need() { (umask 022 && "$here/need.sh" "$@"); }

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
    child=$!
    [ -z "$stopping" ] || kill -TERM "$child" 2>/dev/null || :
    code=0
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
# ask VERB…: what gokaku says of the image; its reason for saying no is in the file why.
ask() { run "$program" -q image "$@" 2>why; }
reason() { tail -n 1 why | sed 's/^gokaku: error: //'; }

# fields KIND FILE: the lines of `gokaku image` that begin with KIND.
fields() { grep "^$1$tab" "$2" || :; }

# device START SIZE: the partition as a read-only device that is gone with descriptor 5.
device() {
    loop=$(losetup -r -f --show -o "$1" --sizelimit "$2" "$disk") || die 1 "no loop device: see above"
    exec 5<"$loop"
    losetup -d "$loop"
}

# check TYPE START SIZE: whether a filesystem is free of errors, and its journal empty; else why not, in
# the file told.
check() {
    case $1 in
    ext[234]) run e2fsck -f -n "$disk?offset=$2" >told 2>&1 ;;
    xfs | btrfs | vfat)
        device "$2" "$3"
        bad=0
        case $1 in
        xfs)
            need xfs_repair:xfsprogs
            run xfs_repair -n "$loop" >told 2>&1 || bad=1
            ! grep -q 'metadata changes in a log' told || bad=1
            ;;
        btrfs)
            need btrfs:btrfs-progs
            run btrfs check --readonly "$loop" >told 2>&1 || bad=1
            ;;
        vfat)
            need fsck.fat:dosfstools
            run fsck.fat -n "$loop" >told 2>&1 || bad=1
            ;;
        esac
        exec 5<&-
        return "$bad"
        ;;
    esac
}

# attach ro|rw TYPE START SIZE PLACE UUID: nothing that the superblock says about a mount counts.
attach() {
    common=$1,loop,offset=$3,sizelimit=$4,noatime,nosuid,nodev,noexec
    case $2 in
    ext[234])
        # The driver of ext4 takes the older ones, too.
        set -- "$1" ext4 "$3" "$4" "$5"
        common=$common,errors=remount-ro,nodiscard,nogrpid
        [ "$1" = rw ] || common=$common,noload
        ;;
    xfs)
        common=$common,nouuid
        [ "$1" = rw ] || common=$common,norecovery
        ;;
    btrfs)
        # The kernel takes two of one name for parts of one filesystem. One that was just unmounted goes
        # in a moment.
        tries=50
        while [ -e "/sys/fs/btrfs/$6" ] && [ "$tries" -gt 0 ]; do
            sleep 0.1
            tries=$((tries - 1))
        done
        [ ! -e "/sys/fs/btrfs/$6" ] || die 3 "$image: a btrfs of the same UUID ($6) is mounted on this machine"
        common=$common,subvolid=5,nodiscard
        ;;
    esac
    run mount -t "$2" -o "$common" "$disk" "$5"
}

# The partition with the system, as number, start, size and type.
choose() {
    roots='' named='' seen='' bad='' checked=''
    while IFS=$tab read -r _ n start bytes type clean can uuid why; do
        seen="$seen; $n: $type"
        if [ -n "${GOKAKU_PARTITION:-}" ]; then
            [ "$n" = "$GOKAKU_PARTITION" ] || continue
            [ "$can" = mountable ] || die 3 "$image: partition $n holds $type, want ext2, ext3, ext4, xfs or" \
                "btrfs${why:+ ($why)}"
        fi
        [ "$can" = mountable ] || continue
        mend "$type" "$start" "$clean"
        if [ "$clean" = dirty ]; then
            bad="partition $n was not unmounted (its journal is not empty): start the image once, or run \
fsck on it"
            continue
        elif ! check "$type" "$start" "$bytes"; then
            tail -n 20 told >&2
            bad="partition $n is not clean (above): repair it first"
            continue
        fi
        attach ro "$type" "$start" "$bytes" "$root" "$uuid" 2>told || {
            bad="partition $n cannot be mounted on a loop device here ($(tail -n 1 told))"
            continue
        }
        ask inspect "$disk" --root "$root" --partition "$n" >system || die $? "$image: $(reason)"
        run umount "$root"
        # shellcheck disable=SC2046 # two words
        set -- $(fields system system)
        [ "$2" = yes ] || [ -n "${GOKAKU_PARTITION:-}" ] || continue
        checked="$checked $n "
        roots="$roots $n:$start:$bytes:$type:$uuid"
        [ "$3" = no ] || named="$named $n:$start:$bytes:$type:$uuid"
    done <partitions
    [ "$(printf '%s' "$roots" | wc -w)" -le 1 ] || roots=$named
    count=$(printf '%s' "$roots" | wc -w)
    if [ "$count" -eq 0 ] && [ -n "$bad" ]; then
        die 3 "$image: $bad"
    fi
    [ "$count" -eq 1 ] || die 3 "$image: found $count partitions with a root filesystem, want one" \
        "(partitions${seen#;}); name it in GOKAKU_PARTITION"
    IFS=: read -r number offset size main uuid <<END
${roots# }
END
}

# mend TYPE START CLEAN: what a run of ours left when the disk was full or the machine failed, its
# journal makes good.
mend() {
    [ "$3" = dirty ] && [ "$mode" = harden ] && [ -n "$(opened "$journals"/image-"$identity"-*)" ] || return 0
    case $1 in
    ext[234])
        say "an earlier run was cut off: its filesystem at byte $2 is brought in order (e2fsck -p)"
        run e2fsck -p "$disk?offset=$2" >told 2>&1 || [ "$code" -le 1 ] || return 0
        clean=clean
        ;;
    esac
}

# opened DIR…: those that hold the journal of a run that was cut off.
opened() {
    for dir; do
        ! grep -qs '"phase": "open"' "$dir"/*/*/journal.json || printf '%s\n' "$dir"
    done
}

# mounts ro|rw: the whole machine.
mounts() {
    while IFS=$tab read -r _ path n start bytes type _ _ uuid; do
        place=$root
        [ "$path" = / ] || place=$root$path
        { [ -d "$place" ] && [ "$(realpath -e -- "$place")" = "$place" ]; } ||
            die 3 "$image: its fstab mounts partition $n at $path, where no directory stands"
        attach "$1" "$type" "$start" "$bytes" "$place" "$uuid" 2>told ||
            die 1 "$image: partition $n cannot be mounted on a loop device here ($(tail -n 1 told))"
    done <mounts
}

# all_clean STATUS WHY: all filesystems are in order, or it ends with STATUS. Those in $checked were
# found to be.
all_clean() {
    while IFS=$tab read -r _ path n start bytes type _; do
        case $checked in *" $n "*) continue ;; esac
        check "$type" "$start" "$bytes" || {
            full
            tail -n 20 told >&2
            die "$1" "$image: partition $n ($path) $2"
        }
    done <mounts
}

# full: ends with what there is to do, when the machine has no room left.
full() {
    # shellcheck disable=SC2046 # two numbers
    set -- $(stat -f -c '%a %S' "$beside")
    [ $(($1 * $2 / 1048576)) -gt 0 ] || die 1 "$image: no space left where it lies: make room and run the" \
        "same command again, which takes back what was done"
}

whole() {
    ask inspect "$disk" --root "$root" --partition "$number" >system || die $? "$image: $(reason)"
    fields mount system >mounts
    fields left system | while IFS=$tab read -r _ path why; do
        say "left: $path: $why"
    done
    fields refused system >missed
    if [ -s missed ]; then
        while IFS=$tab read -r _ path why; do
            printf 'harden-image: error: %s: its fstab mounts %s: %s\n' "$image" "$path" "$why" >&2
        done <missed
        die 3 "$image: what its fstab mounts there would be missed; mount it all by hand and run gokaku" \
            "apply --root"
    fi
}

# is_gone FILE: whether the image that FILE names by number and path is nowhere on its filesystem.
is_gone() {
    { read -r device inode && read -r path; } <"$1" || return 1
    [ "$(stat -c '%d %i' -- "$path" 2>/dev/null)" != "$device $inode" ] || return 1
    top=$(stat -c %m -- "$(dirname "$path")" 2>/dev/null) || return 1
    [ "$(stat -c %d -- "$top")" = "$device" ] || return 1
    code=0
    found=$(timeout "$limit" find "$top" -xdev -ignore_readdir_race -inum "$inode" -print -quit 2>/dev/null) || code=$?
    [ -z "$found" ] && [ "$code" -ne 124 ]
}

# copies: what a run had begun on this image when it was cut off, and had another place then.
copies() {
    mkdir -p "$journal"
    stat -c '%d %i' "$image" >"$journal/.image"
    printf '%s\n' "$image" >>"$journal/.image"
    for other in "$journals"/image-*-"$contents"; do
        if [ "$other" = "$journal" ] || [ -z "$(opened "$other")" ]; then
            continue
        fi
        run "$program" image recover --root "$root" --state-dir "$other" ||
            die 1 "$image: half done, and cannot be put right (above)"
        # Nobody else has a use for it when the image was moved here.
        ! is_gone "$other/.image" || rm -rf "$other"
    done
}

unpack() {
    need qemu-img:qemu-utils
    same=$(stat -c '%i %s %y %z' "$image")
    run qemu-img info -U -f qcow2 --output=json "$PWD/image" >info.json 2>told ||
        die 3 "$image: is in use or not to be read ($(tail -n 1 told))"
    options=$(ask inspect image --qemu-info info.json) || die $? "$image: $(reason)"
    run qemu-img check -U -f qcow2 --output=json "$PWD/image" >checked 2>told ||
        die 3 "$image: is not clean: repair it first (qemu-img check -r all)"
    compressed=
    ! grep -q '"compressed-clusters": *[1-9]' checked || compressed=-c
    run qemu-img map -U -f qcow2 --output=json "$PWD/image" >map.json 2>told ||
        die 1 "$image: cannot be mapped ($(tail -n 1 told))"
    ask room "$image" --qemu-map map.json --work-dir "$work" || die 1 "$image: $(reason)"
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
    cp --attributes-only --preserve=all "$image" "$new"
    touch "$new"
    run sync "$new"
    mv -f -T "$new" "$image"
    sync "$beside"
}

inside() {
    trap stop TERM
    trap '' INT HUP
    # As the shell outside knows this process.
    read -r pid _ </proc/self/stat
    printf '%s\n' "$pid" >"$talk/pid.new"
    mv "$talk/pid.new" "$talk/pid"
    [ ! -e "$talk/stop" ] || exit 143

    # What is needed only meanwhile is seen in here only.
    (umask 022 && mkdir -p "$(dirname "$journals")")
    mkdir "$journals" 2>/dev/null || [ -d "$journals" ] || die 1 "$journals: cannot be made"
    mkdir -p "$journals/mount"
    mount -t tmpfs -o mode=700 harden-image "$journals/mount"
    cd -P "$journals/mount"
    mkdir bin root
    # A name without odd characters, which would mean something to the tools; and reading leaves no
    # trace in its times.
    : >image
    mount --bind "$image" image
    access=rw
    [ "$mode" = harden ] && [ "$format" != qcow2 ] || access=ro
    mount -o "remount,bind,noatime,nosuid,nodev,noexec,$access" image
    disk=$PWD/image root=$PWD/root
    ln -s "$program" bin/gokaku
    PATH=$PWD/bin:$PATH
    progress=
    [ ! -t 1 ] || progress=-p
    [ "$format" != qcow2 ] || unpack

    ask inspect "$disk" >found || die $? "$image: $(reason)"
    fields partition found >partitions
    # Drivers that are modules.
    cut -f 5 partitions | sort -u | while read -r driver; do
        ! command -v modprobe >/dev/null || modprobe -q "$driver" 2>/dev/null || :
    done
    choose
    attach ro "$main" "$offset" "$size" "$root" "$uuid" || die 1 "$image: cannot be mounted (above)"
    whole
    run umount "$root"
    while IFS=$tab read -r _ path n start bytes type _ clean _; do
        [ "$path" != / ] || continue
        mend "$type" "$start" "$clean"
        [ "$clean" = clean ] || die 3 "$image: partition $n ($path) was not unmounted (its journal is not" \
            "empty): start the image once, or run fsck on it"
    done <mounts
    all_clean 3 "is not clean (above): repair it first"
    say "$(wc -l <mounts) filesystems, clean; / is partition $number, $main, $size bytes"
    mounts ro

    if [ "$mode" != harden ]; then
        set -- "$mode" --root "$root"
        [ -z "${GOKAKU_REPORT:-}" ] || set -- "$@" --format text -o - --format json -o "$GOKAKU_REPORT"
        status=0
        carry gokaku "$@" || status=$?
        [ -z "$stopping" ] || exit 143
        run umount -R "$root"
        exit "$status"
    fi

    # A copy that is thrown away needs no journal that outlives this.
    journal=$PWD/journal
    if [ "$format" != qcow2 ]; then
        uuid=$(cut -f 9 mounts | head -n 1)
        contents=$(printf '%s\n' "$uuid" "$offset" | sha256sum | cut -c 1-16)
        journal=$journals/image-$identity-$contents
        printf '%s\n' "$journal" >"$talk/journal"
    fi
    write=
    run gokaku plan --root "$root" --format json -o plan >/dev/null 2>&1 || :
    if [ -d "$journal" ] || { [ -s plan ] && ! grep -q '"changes": \[\]' plan; }; then
        write=1
        if [ -s plan ]; then
            set -- --plan plan --root "$root"
            while IFS=$tab read -r _ _ _ _ _ _ size _; do
                set -- "$@" --journal "$size"
            done <mounts
            place=$image
            [ "$format" != qcow2 ] || place=$raw
            ask room "$place" "$@" || die 1 "$image: $(reason)"
        fi
        run umount -R "$root"
        mounts rw
        [ "$format" = qcow2 ] || copies
    fi
    status=0
    GOKAKU_BINARY='' GOKAKU_STEP=all GOKAKU_ROOT=$root GOKAKU_STATE_DIR=$journal \
        carry sh "$here/harden.sh" || status=$?
    # From here on there is nothing to undo; a signal waits until all is in order.
    trap 'asked=1' TERM
    asked=$stopping stopping=
    carry umount -R "$root"
    checked=
    [ -z "$(opened "$journal")" ] || full
    all_clean 1 "was clean before and is not now (above)"
    # What a failed run has left; only a journal that is not carried through is of use.
    rm -rf "$journal/.harden"
    [ -n "$(opened "$journal")" ] || rm -rf "$journal"
    # What was done before the signal came stays done.
    if [ "$status" -eq 143 ]; then
        [ -d "$journal" ] || say "$image: stopped; every change was undone"
        exit 143
    fi
    # A copy is thrown away.
    if [ -n "$write" ] && [ "$format" = qcow2 ]; then
        trap stop TERM
        [ -z "$asked" ] || exit 143
        pack
    fi
    case $write in
    1) say "$image: written, clean; report in $GOKAKU_REPORT" ;;
    *) say "$image: not written to; report in $GOKAKU_REPORT" ;;
    esac
    exit "$status"
}

# ---- Outside: what is asked for, the lock, signals, and the end of it all. --------------------

# The namespace is gone when its first process is; the kernel is still at it for a moment.
freed() {
    tries=100
    for file in "$image" "$raw"; do
        [ -e "$file" ] || continue
        while used=$(losetup -n -O NAME -j "$file") && [ -n "$used" ] && [ "$tries" -gt 0 ]; do
            sleep 0.1
            tries=$((tries - 1))
        done
        # A device that was attached in the very moment of a kill.
        for one in $used; do
            losetup -d "$one" 2>/dev/null || :
        done
    done
}

# In a session of its own, so that it sees to what is left even when everything else is killed.
janitor() {
    nap=
    trap '' INT HUP
    trap 'kill "$nap" 2>/dev/null; freed; rm -rf -- "$talk" "$raw" "$new"; exit 0' TERM
    while :; do
        sleep 86400 &
        nap=$!
        [ "$(cut -d ' ' -f 4 /proc/$$/stat)" = "$parent" ] || kill -TERM $$
        wait "$nap" || :
    done
}

outside() {
    # Left where the machine failed; nobody else has them, see the lock.
    rm -f "$raw" "$new"
    talk=$(mktemp -d) parent=$$
    export talk parent
    setsid setpriv --pdeathsig TERM sh "$0" --janitor 9>&- >/dev/null 2>&1 &
    keeper=$!
    signal='' timer=''
    # shellcheck disable=SC2317 # called by the trap
    finish() {
        status=$?
        trap '' INT TERM HUP
        kill -TERM "$keeper"
        wait "$keeper" 2>/dev/null || :
        exit "$status"
    }
    # shellcheck disable=SC2317 # called by the trap
    ended() {
        signal=$1
        : >"$talk/stop"
        [ ! -s "$talk/pid" ] || kill -TERM "$(cat "$talk/pid")" 2>/dev/null || :
    }
    trap finish EXIT
    trap 'ended 130' INT
    trap 'ended 143' TERM
    trap 'ended 129' HUP

    setpriv --pdeathsig KILL unshare -m -p -f --kill-child --propagation private sh "$0" --inside &
    inner=$!
    while kill -0 "$inner" 2>/dev/null; do
        status=0
        wait "$inner" || status=$?
        if [ -n "$signal" ] && [ -z "$timer" ]; then
            timer=1
            # It ends with what it watches.
            (timeout "$patience" tail --pid="$inner" -f /dev/null || kill -KILL "$inner") 9>&- >/dev/null 2>&1 &
        fi
    done
    [ -z "$signal" ] || [ "$status" -ne 143 ] || status=$signal
    if [ -s "$talk/journal" ] && [ -n "$(opened "$(cat "$talk/journal")")" ]; then
        say "$image: half done; run the same command again, which takes that back first" >&2
    fi
    exit "$status"
}

case ${1:-} in
--inside) inside ;;
--janitor) janitor ;;
--outside) outside ;;
esac

mode=harden
if [ "${1:-}" = --read-only ]; then
    mode=${2:-nothing}
    case $mode in
    audit | plan) shift 2 ;;
    *) die 64 "--read-only: found $mode, want audit or plan" ;;
    esac
fi
[ $# -eq 1 ] || die 64 "usage: harden-image.sh [--read-only audit|plan] IMAGE"
[ -f "$1" ] || die 64 "$1: not a regular file"
[ "$(id -u)" -eq 0 ] || die 1 "only root can mount an image"
image=$(realpath "$1")
need unshare:util-linux setpriv:util-linux setsid:util-linux losetup:mount mount:mount \
    e2fsck:e2fsprogs timeout:coreutils
unshare --help | grep -q -e --kill-child || die 1 "unshare is too old here: want util-linux 2.32 or newer"
program=${GOKAKU_BINARY:-$(command -v gokaku)} || die 1 "no gokaku on the path; name it in GOKAKU_BINARY"
program=$(realpath "$program")
"$program" --version >/dev/null || die 1 "$program does not run here"
if [ "$mode" = harden ]; then
    GOKAKU_REPORT=$(realpath -m "${GOKAKU_REPORT:-$image.gokaku.json}")
elif [ -n "${GOKAKU_REPORT:-}" ]; then
    GOKAKU_REPORT=$(realpath -m "$GOKAKU_REPORT")
fi
journals=$(realpath -m "${GOKAKU_STATE_DIR:-/var/lib/gokaku}")
beside=$(dirname "$image")
work=$(realpath -m "${GOKAKU_WORK_DIR:-$beside}")
[ -d "$work" ] || die 64 "GOKAKU_WORK_DIR: found $work, want a directory"

# The image decides what it is before any other program opens it.
format=$("$program" -q image inspect "$image") || exit $?
format=$(printf '%s\n' "$format" | sed -n "s/^format$tab//p")
case $mode:$format in
harden:qcow2) use='replace' ;;
harden:*) use='write' ;;
*) use='read' ;;
esac
identity=$(number_of "$image")
raw=$beside/.$(basename "$image").gokaku-raw new=$beside/.$(basename "$image").gokaku-new
# Images of one name meet in a directory for all.
[ "$work" = "$beside" ] || raw=$work/.$identity.gokaku-raw
used=$(losetup -n -O NAME -j "$image")
[ -z "$used" ] || die 3 "$image: is attached to $(echo "$used" | tr '\n' ' ')and may be mounted: detach it first"
export mode image program GOKAKU_REPORT journals beside work format identity raw new
exec "$program" -q image lock --for "$use" "$image" -- sh "$0" --outside
