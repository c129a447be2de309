#!/bin/sh
# harden-image.sh IMAGE: hardens the root filesystem in a disk image that is not in use, by
# mounting it. Raw and qcow2, with and without partitions (no LVM); ext2, ext3 and ext4. Root only.
#
#   GOKAKU_BINARY     the gokaku to run (the one on the path)
#   GOKAKU_PARTITION  the number of the root partition; else the one that holds an os-release
#   GOKAKU_REPORT     the report (IMAGE.gokaku.json); formats and the rest as harden.sh reads them
#   GOKAKU_STATE_DIR  where the undo journal lies meanwhile (/var/lib/gokaku)
#
# All mounts are in a namespace of their own, and the kernel frees the loop device with the last
# of them: however this ends, by ctrl-C or kill -9, nothing stays mounted or attached. A raw image
# is changed in place, each file in one step; a run that was killed is undone by the next. A qcow2
# image is replaced as a whole, when all is done. One that needs no change is not written to.
#
# Exit status: gokaku's own; 3 also for an image that is in use, mounted, or not clean.
set -eu
umask 022

say() { printf 'harden-image: %s\n' "$*"; }
die() {
    status=$1
    shift
    printf 'harden-image: error: %s\n' "$*" >&2
    exit "$status"
}
here=$(cd "$(dirname "$0")" && pwd)

# ---- Inside the namespace: everything that mounts. -------------------------------------------

# The filesystem of one partition, as the tools of e2fsprogs address it.
at() { printf '%s?offset=%s\n' "$disk" "$1"; }
read_file() { debugfs -R "cat $2" "$(at "$1")" 2>/dev/null || :; }
kind() { blkid -p -O "$1" ${2:+-S "$2"} -o value -s TYPE "$disk" || :; }

# Number, offset and size in bytes of every partition; 0 is the whole image.
partitions() {
    if [ -n "$(blkid -p -o value -s PTTYPE "$disk")" ]; then
        sfdisk -d "$disk" | awk '
            /^sector-size:/ { sector = $2 }
            / : start=/ {
                gsub(/[,=]/, " ")
                number = $1
                sub(/.*[^0-9]/, "", number)
                printf "%s %.0f %.0f\n", number, $4 * (sector ? sector : 512), $6 * (sector ? sector : 512)
            }'
    else
        stat -L -c '0 0 %s' "$disk"
    fi
}

# own_root OFFSET: whether the fstab in there says that this filesystem is /.
own_root() {
    names=$(blkid -p -O "$1" -o export -s UUID -s LABEL "$disk")
    read_file "$1" /etc/fstab | awk '$1 !~ /^#/ && $2 == "/" { print $1 }' |
        grep -qxF -e "$names"
}

choose() {
    number='' roots='' seen=''
    while read -r n start bytes; do
        what=$(kind "$start" "$bytes")
        seen="$seen; $n: ${what:-nothing known}"
        if [ -n "${GOKAKU_PARTITION:-}" ]; then
            [ "$n" = "$GOKAKU_PARTITION" ] || continue
        else
            case $what in ext[234]) ;; *) continue ;; esac
            # debugfs does not follow a link at the end of a path.
            for file in /etc/os-release /usr/lib/os-release; do
                read_file "$start" "$file"
            done | grep -q '^ID=' || continue
        fi
        roots="$roots $n:$start:$bytes:$what"
    done <<END
$(partitions)
END
    if [ "$(printf '%s' "$roots" | wc -w)" -gt 1 ]; then
        for one in $roots; do
            start=${one#*:}
            ! own_root "${start%%:*}" || number="$number $one"
        done
        roots=$number
    fi
    [ "$(printf '%s' "$roots" | wc -w)" -eq 1 ] || die 3 "$image: found $(printf '%s' "$roots" | wc -w)" \
        "partitions with a root filesystem, want one (partitions${seen#;}); name it in GOKAKU_PARTITION"
    IFS=: read -r number offset size type <<END
${roots# }
END
    case $type in
    ext[234]) ;;
    *) die 3 "$image: partition $number holds ${type:-no filesystem}, want ext2, ext3 or ext4" ;;
    esac
}

# Whatever a rule looks at must be on this one filesystem, or it would be judged to be missing.
whole() {
    elsewhere=$(read_file "$offset" /etc/fstab | awk '
        $1 ~ /^(\/dev\/|LABEL=|UUID=|PART)/ && $2 ~ /^\/(etc|home|root|usr|var)(\/|$)/ {
            printf " %s", $2
        }')
    [ -z "$elsewhere" ] || die 3 "$image: its fstab mounts$elsewhere from other filesystems;" \
        "mount them together by hand and run gokaku apply --root"
}

clean() {
    head=$(dumpe2fs -h "$(at "$offset")" 2>/dev/null) || die 3 "$image: no superblock that can be read"
    case $head in
    *needs_recovery*) die 3 "$image: was not unmounted (its journal is not empty): start it once," \
        "or run e2fsck -p on it" ;;
    esac
    told=$(e2fsck -f -n "$(at "$offset")" 2>&1) || {
        printf '%s\n' "$told" | tail -n 20 >&2
        die "$1" "$image: $2"
    }
}

attach() { # ro | rw
    mount -t "$type" -o "$1,loop,offset=$offset,sizelimit=$size,noatime,nosuid,nodev,noexec" \
        "$disk" "$root" || die 1 "$image: cannot be mounted on a loop device here (the reason is above)"
}

inside() {
    disk=$1 image=$2
    # What is needed only meanwhile is seen in here only.
    mkdir -p "$(dirname "$state")"
    mkdir -m 700 "$state" 2>/dev/null || [ -d "$state" ] || die 1 "$state: cannot be made"
    mkdir -p "$state/mount"
    mount -t tmpfs -o mode=700 harden-image "$state/mount"
    cd "$state/mount"
    mkdir bin root
    # A name without odd characters, which would mean something to the tools.
    : >disk
    mount --bind "$disk" disk
    disk=$PWD/disk root=$PWD/root
    choose
    whole
    clean 3 "is not clean (e2fsck -n, above): repair it first"

    # The same image has the same place for its journal. What was built anew has another UUID.
    key=$(printf '%s\n' "$journal_name" "$offset" "$(blkid -p -O "$offset" -o value -s UUID "$disk")" |
        sha256sum | cut -c 1-16)
    journal=$state/image-$key
    say "partition $number, $type, $size bytes, clean"

    ln -s "$program" bin/gokaku
    PATH=$PWD/bin:$PATH
    mode=ro
    attach ro
    gokaku plan --root "$root" --format json -o plan >/dev/null 2>&1 || :
    if [ -d "$journal" ] || { [ -s plan ] && ! grep -q '"changes": \[\]' plan; }; then
        umount "$root"
        mode=rw
        attach rw
    fi
    status=0
    GOKAKU_BINARY='' GOKAKU_STEP=all GOKAKU_ROOT=$root GOKAKU_STATE_DIR=$journal \
        sh "$here/harden.sh" || status=$?
    umount "$root"
    clean 1 "was clean before and is not now (e2fsck -n, above)"
    # What a failed run has left; only a journal that is not carried through is of use.
    rm -rf "$journal/.harden"
    if ! grep -qs '"phase": "open"' "$journal"/*/*/journal.json; then
        rm -rf "$journal"
    fi
    printf '%s\n' "$mode" >&3
    exit "$status"
}

if [ "${1:-}" = --inside ]; then
    shift
    inside "$@"
fi

# ---- Outside: what is asked for, formats, and the end of it all. ------------------------------

[ $# -eq 1 ] || die 64 "usage: harden-image.sh IMAGE"
[ -f "$1" ] || die 64 "$1: not a regular file"
[ "$(id -u)" -eq 0 ] || die 1 "only root can mount an image"
image=$(realpath "$1")
"$here/need.sh" unshare:util-linux setpriv:util-linux losetup:mount mount:mount blkid:util-linux \
    e2fsck:e2fsprogs debugfs:e2fsprogs sfdisk:fdisk
unshare --help | grep -q -e --kill-child || die 1 "unshare is too old here: want util-linux 2.32 or newer"
program=${GOKAKU_BINARY:-$(command -v gokaku)} || die 1 "no gokaku on the path; name it in GOKAKU_BINARY"
program=$(realpath "$program")
"$program" --version >/dev/null || die 1 "$program does not run here"
GOKAKU_REPORT=$(realpath -m "${GOKAKU_REPORT:-$image.gokaku.json}")
state=$(realpath -m "${GOKAKU_STATE_DIR:-/var/lib/gokaku}")

exec 9<"$image"
flock -n 9 || die 3 "$image: another run is at work on it"
used=$(losetup -n -O NAME -j "$image")
[ -z "$used" ] || die 3 "$image: is attached to $(echo "$used" | tr '\n' ' ')and may be mounted: detach it first"

# Everything that this script makes beside the image; no other run has them, see flock.
beside=$(dirname "$image")/.$(basename "$image").gokaku
child=
# shellcheck disable=SC2317 # called by the trap
finish() {
    status=$?
    trap '' INT TERM HUP
    if [ -n "$child" ]; then
        kill -9 "$child" 2>/dev/null || :
        wait "$child" 2>/dev/null || :
    fi
    # The kernel is still at it when the last process is gone.
    tries=100
    while [ -n "$(losetup -n -O NAME -j "${disk:-$image}")" ] && [ "$tries" -gt 0 ]; do
        sleep 0.1
        tries=$((tries - 1))
    done
    rm -rf "$beside-raw" "$beside-new" "$beside-said"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP
rm -rf "$beside-raw" "$beside-new" "$beside-said"

# run COMMAND…: beside this shell, so that a signal ends it at once; and with it, should this
# shell be killed.
run() {
    setpriv --pdeathsig KILL "$@" &
    child=$!
    done=0
    wait "$child" || done=$?
    child=
    return "$done"
}

disk=$image
journal_name=$image
case $(head -c 8 "$image" | od -An -c | tr -d ' \n') in
QFI373*)
    "$here/need.sh" qemu-img:qemu-utils
    info=$(LC_ALL=C qemu-img info -f qcow2 "$image" 2>&1) ||
        die 3 "$image: is in use or not to be read ($(echo "$info" | tail -n 1))"
    case $info in
    *"backing file:"*) die 3 "$image: has a backing file; flatten it first (qemu-img convert -O qcow2)" ;;
    *"Snapshot list:"*) die 3 "$image: has snapshots, which would be lost; remove them first" ;;
    *"encrypted: yes"*) die 3 "$image: is encrypted" ;;
    esac
    check=$(LC_ALL=C qemu-img check -f qcow2 "$image" 2>&1) ||
        die 3 "$image: is not clean ($(echo "$check" | head -n 1)): repair it first (qemu-img check -r)"
    disk=$beside-raw
    say "unpacking qcow2"
    run qemu-img convert -f qcow2 -O raw "$image" "$disk" || die 1 "$image: cannot be unpacked"
    ;;
vhdxfile | KDMV* | conectix) die 3 "$image: found a VMware or Hyper-V image, want raw or qcow2" ;;
*)
    if command -v qemu-img >/dev/null; then
        info=$(qemu-img info -f raw "$image" 2>&1) ||
            die 3 "$image: is in use ($(echo "$info" | tail -n 1))"
    fi
    ;;
esac

export program state journal_name GOKAKU_REPORT
: >"$beside-said"
status=0
run unshare -m -p -f --kill-child --propagation private \
    sh "$0" --inside "$disk" "$image" 3>"$beside-said" || status=$?

if [ "$disk" != "$image" ] && [ "$(cat "$beside-said")" = rw ]; then
    option() { printf '%s\n' "$info" | sed -n "s/^ *$1: //p" | head -n 1; }
    options=compat=$(option compat),cluster_size=$(option cluster_size)
    options=$options,lazy_refcounts=$(option 'lazy refcounts' | sed 's/true/on/; s/false/off/')
    options=$options,refcount_bits=$(option 'refcount bits')
    # Only an old format does not tell the later two.
    options=$(printf '%s' "$options" | sed 's/,[a-z_]*=\(,\|$\)/\1/g')
    compressed=
    case $check in *"% compressed"*) ;; esac
    case $check in *" 0.00% compressed"*) ;; *"% compressed"*) compressed=-c ;; esac
    say "packing qcow2 ($options${compressed:+, compressed})"
    # shellcheck disable=SC2086 # one word or none
    run qemu-img convert -f raw -O qcow2 $compressed -o "$options" "$disk" "$beside-new" ||
        die 1 "$image: cannot be packed; it is as before"
    run qemu-img compare -q -f raw -F qcow2 "$disk" "$beside-new" ||
        die 1 "$image: the packed image is not what was packed; it is as before"
    cp --attributes-only --preserve=all "$image" "$beside-new"
    touch "$beside-new"
    sync "$beside-new"
    mv -f -T "$beside-new" "$image"
fi
case $(cat "$beside-said") in
rw) say "$image: written, clean; report in $GOKAKU_REPORT" ;;
ro) say "$image: not written to; report in $GOKAKU_REPORT" ;;
esac
exit "$status"
