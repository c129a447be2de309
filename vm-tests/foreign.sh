#!/bin/sh
# foreign.sh IMAGE REPORT [WORDS]: hardens an image of others (raw or qcow2) in a virtual machine that is
# thrown away, so that no kernel of this machine mounts it. IMAGE is changed in place; REPORT is what gokaku
# says in JSON, and its exit status is this one's. The machine has a kernel of its own (kernel.sh), no
# network, and no disk but the image and one for the answer. No rights but those on IMAGE are needed.
# WORDS are options of `gokaku apply`.
#
#   GOKAKU_STATIC     the static binary (target/static/gokaku)
#   GOKAKU_PARTITION  the number of the root partition; else the one that holds an os-release
#
# What runs in there is the image's as soon as its filesystem has broken the kernel: the report is that
# machine's word.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
[ $# -ge 2 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 64; }
image=$(realpath "$1") report=$(realpath -m "$2")
shift 2
"$here/../provision/need.sh" qemu-system-x86_64:qemu-system-x86 busybox:busybox-static cpio:cpio gzip:gzip \
    modprobe:kmod
gokaku=${GOKAKU_STATIC:-$here/../target/static/gokaku}
kernel=$("$here/kernel.sh")
# The image says what it is, and that it names no other file, before QEMU opens it.
format=$("$gokaku" -q image inspect "$image" | sed -n '1s/^format[[:space:]]*//p')
case $format in
raw | qcow2) ;;
*) echo "foreign: error: $image: want raw or qcow2" >&2; exit 3 ;;
esac

work=$(mktemp -d "${TMPDIR:-/var/tmp}/gokaku-foreign.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

mkdir -p "$work/root/bin" "$work/root/ko" "$work/root/dev" "$work/root/proc" "$work/root/sys" "$work/root/tree"
cp "$(command -v busybox)" "$work/root/bin/busybox"
ln -s busybox "$work/root/bin/sh"
cp "$gokaku" "$work/root/bin/gokaku"
release=$(basename "$kernel"/modules/lib/modules/*)
for module in virtio_pci virtio_blk ext4 xfs btrfs vfat nls_cp437 nls_iso8859-1 nls_ascii; do
    modprobe -d "$kernel/modules" -S "$release" --show-depends "$module" || :
done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' >"$work/order"
number=100
while read -r file; do
    cp "$file" "$work/root/ko/$number-$(basename "$file")"
    number=$((number + 1))
done <"$work/order"
printf '%s\n' "$@" >"$work/root/words"
printf '%s\n' "${GOKAKU_PARTITION:-}" >"$work/root/partition"
cat >"$work/root/init" <<'END'
#!/bin/sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev
for module in /ko/*.ko; do insmod "$module"; done
mkdir -m 700 /out
tab=$(printf '\t')
# part NUMBER: its device.
part() { [ "$1" = 0 ] && echo /dev/vda || echo "/dev/vda$1"; }
options() {
    case $1 in
    ext*) echo "$2,noatime,nosuid,nodev,noexec,errors=remount-ro" ;;
    btrfs) echo "$2,noatime,nosuid,nodev,noexec,subvolid=5" ;;
    *) echo "$2,noatime,nosuid,nodev,noexec" ;;
    esac
}
run() {
    gokaku -q image inspect /dev/vda >/found || return $?
    read -r wanted </partition
    root=''
    while IFS=$tab read -r what n _ _ type clean can _; do
        [ "$what" = partition ] && [ "$can" = mountable ] || continue
        [ -z "$wanted" ] || [ "$n" = "$wanted" ] || continue
        [ "$clean" = clean ] || { echo "partition $n was not unmounted" >&2; continue; }
        mount -t "$type" -o "$(options "$type" ro)" "$(part "$n")" /tree || continue
        gokaku -q image inspect /dev/vda --root /tree --partition "$n" >/system || return $?
        umount /tree
        if [ -n "$wanted" ] || grep -q "^system${tab}yes" /system; then
            root="$root $n"
            cp /system /whole
        fi
    done </found
    set -- $root
    [ $# -eq 1 ] || { echo "found $# partitions with a root, want one; GOKAKU_PARTITION names it" >&2; return 3; }
    ! grep "^refused$tab" /whole >&2 || return 3
    grep "^mount$tab" /whole >/mounts
    while IFS=$tab read -r _ path n _ _ type _; do
        place=/tree
        [ "$path" = / ] || place=/tree$path
        [ "$(realpath "$place")" = "$place" ] || { echo "$path is no directory" >&2; return 3; }
        mount -t "$type" -o "$(options "$type" rw)" "$(part "$n")" "$place" || return 1
    done </mounts
    set --
    while read -r word; do [ -z "$word" ] || set -- "$@" "$word"; done </words
    gokaku apply --root /tree --state-dir /state --format json -o /out/report "$@" || status=$?
    tac /mounts | while IFS=$tab read -r _ path _; do umount "/tree${path%/}"; done
    sync
    return "${status:-0}"
}
run >/out/log 2>&1
echo $? >/out/status
tar -C /out -cf /dev/vdb log status $([ ! -e /out/report ] || echo report)
sync
poweroff -f
END
chmod 755 "$work/root/init"
(cd "$work/root" && find . | LC_ALL=C sort | cpio --quiet -o -H newc) | gzip -1n >"$work/initrd"
"$here/initrd.sh" "$kernel" "$work/hello"
case ${GOKAKU_ACCELERATOR:-$("$here/accelerator.sh" "$kernel" "$work/hello")} in
kvm) how='-accel kvm -cpu host' ;;
*) how='-accel tcg,thread=multi -cpu max' ;;
esac

truncate -s 64M "$work/out"
# Paths with a comma or a blank would be misread, and no name may be a protocol's.
ln -s "$image" "$work/image"
driver=format=$format
[ "$format" = raw ] || driver=driver=qcow2,backing=
# shellcheck disable=SC2086 # a list of options
timeout -k 5 "${GOKAKU_TIME_LIMIT:-1800}" qemu-system-x86_64 $how -smp 2 -m 1024 -nodefaults -no-user-config \
    -display none -monitor none -no-reboot -serial "file:$work/serial" -nic none -sandbox on,spawn=deny,elevateprivileges=deny \
    -drive "file=$work/image,if=virtio,$driver,cache=writeback" \
    -drive "file=$work/out,if=virtio,format=raw,cache=unsafe" \
    -kernel "$kernel/vmlinuz" -initrd "$work/initrd" -append "console=ttyS0 panic=-1 quiet" </dev/null ||
    { echo "foreign: error: the machine was ended ($?)" >&2; exit 1; }
mkdir "$work/told"
# Three names, and what they hold is data.
tar -C "$work/told" -xf "$work/out" --no-same-owner log status report 2>/dev/null || :
for file in log status report; do
    [ ! -L "$work/told/$file" ] || { echo "foreign: error: found a link for an answer" >&2; exit 1; }
done
[ -f "$work/told/status" ] || { echo "foreign: error: no answer from the machine" >&2; tail -n 5 "$work/serial" | cat -v >&2; exit 1; }
cat -v "$work/told/log" >&2
[ ! -f "$work/told/report" ] || cp "$work/told/report" "$report"
status=$(head -c 3 "$work/told/status" | tr -cd 0-9)
exit "${status:-1}"
