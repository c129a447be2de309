#!/bin/sh
# initrd.sh KERNEL_DIR OUT: a small initial file system for the test machines: busybox, the modules
# of virtio disks and networks, and init.sh, which says what it does.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
[ $# -eq 2 ] || { echo "usage: initrd.sh KERNEL_DIR OUT" >&2; exit 64; }
kernel=$1 out=$(realpath -m "$2")
"$here/../provision/need.sh" busybox:busybox-static cpio:cpio gzip:gzip readelf:binutils
busybox=$(command -v busybox)
if readelf --program-headers "$busybox" | grep -q INTERP; then
    echo "initrd: error: $busybox is not static: install busybox-static" >&2
    exit 69
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for dir in bin dev ko proc root sys; do mkdir "$work/$dir"; done
cp "$busybox" "$work/bin/busybox"
ln -s busybox "$work/bin/sh"
cp "$here/init.sh" "$work/init"
chmod 755 "$work/init"
# In the order in which they need each other. One that is missing is built in.
order=10
for module in virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci \
    failover net_failover virtio_net virtio_blk; do
    file=$(find "$kernel/modules/lib/modules" -name "$module.ko" | head -n 1)
    [ -z "$file" ] || cp "$file" "$work/ko/$order-$module.ko"
    order=$((order + 1))
done
mkdir -p "$(dirname "$out")"
(cd "$work" && find . | LC_ALL=C sort | cpio --quiet -o -H newc) | gzip -1n >"$out.new"
mv -f "$out.new" "$out"
