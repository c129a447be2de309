#!/bin/sh
# initrd.sh KERNEL_DIR OUT: a small initial file system for the test machines: busybox, the modules
# of disks and networks, and init.sh, which says what it does.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
[ $# -eq 2 ] || { echo "usage: initrd.sh KERNEL_DIR OUT" >&2; exit 64; }
kernel=$1 out=$(realpath -m "$2")
"$here/../provision/need.sh" busybox:busybox-static cpio:cpio gzip:gzip readelf:binutils modprobe:kmod
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
# In the order in which they need each other. What is not listed is built in.
release=$(basename "$kernel"/modules/lib/modules/*)
for module in nvme ext4 virtio_pci virtio_blk virtio_net; do
    modprobe -d "$kernel/modules" -S "$release" --show-depends "$module" || true
done >"$work/order"
order=100
sed -n 's/^insmod \([^ ]*\).*/\1/p' "$work/order" | awk '!seen[$0]++' >"$work/files"
while read -r file; do
    cp "$file" "$work/ko/$order-$(basename "$file")"
    order=$((order + 1))
done <"$work/files"
rm "$work/order" "$work/files"
mkdir -p "$(dirname "$out")"
(cd "$work" && find . | LC_ALL=C sort | cpio --quiet -o -H newc) | gzip -1n >"$out.new"
mv -f "$out.new" "$out"
