#!/bin/sh
# image.sh ROOTFS IMAGE [SIZE]: a disk image (raw ext4, no partitions) of a directory. Needs no loop
# device and no mount; run as root, or where its files are root's (unshare -Ur --map-auto).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
[ $# -ge 2 ] || { echo "usage: image.sh ROOTFS IMAGE [SIZE]" >&2; exit 64; }
"$here/../provision/need.sh" mke2fs:e2fsprogs
rm -f "$2"
# The label is what Ubuntu's cloud images carry, and what their fstab names.
mke2fs -q -F -t ext4 -L cloudimg-rootfs -E lazy_itable_init=1,lazy_journal_init=1 -d "$1" "$2" "${3:-1500M}" >/dev/null
