#!/bin/sh
# packer.sh: Packer's qemu template from a disk image as it was to a hardened one, and from that
# once more: the hardened image boots, lets Packer in, and has nothing left to do.
#
# Needs root; installs what it needs. What came back is kept in target/vm-tests-packer/.
#
# GOKAKU_STANDIN  the root; default: tests/standin-root.sh makes it
# GOKAKU_STATIC   the static binary; default: provision/build-static.sh makes it
set -eu

here=$(cd "$(dirname "$0")" && pwd)
repo=$(dirname "$here")
passed=0 failed=0
# check NAME COMMAND…
check() {
    name=$1
    shift
    if "$@" >"$work/told" 2>&1; then
        passed=$((passed + 1))
        echo "pass    packer: $name"
    else
        failed=$((failed + 1))
        echo "FAIL    packer: $name: $(tail -n 1 "$work/told")"
    fi
}

if [ "$(id -u)" -ne 0 ]; then
    echo "SKIPPED packer: everything: needs root (owners of the image's files)"
    exit 0
fi
"$repo/provision/need.sh" packer:packer qemu-img:qemu-utils qemu-system-x86_64:qemu-system-x86 \
    ssh-keygen:openssh-client e2fsck:e2fsprogs jq:jq
work=$(mktemp -d "${TMPDIR:-/var/tmp}/gokaku-packer.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
kept=$repo/target/vm-tests-packer
rm -rf "$kept"
mkdir -p "$kept"

gokaku=${GOKAKU_STATIC:-$repo/target/static/gokaku}
[ -n "${GOKAKU_STATIC:-}" ] || "$repo/provision/build-static.sh" "$gokaku" >&2
standin=${GOKAKU_STANDIN:-$("$repo/tests/standin-root.sh")}
kernel=$("$here/kernel.sh")
"$here/initrd.sh" "$kernel" "$work/initrd"
ssh-keygen -q -t ed25519 -N '' -C packer -f "$work/key"
"$here/machine-root.sh" "$standin" "$work/root" "$work/key.pub" "$kernel"
"$here/image.sh" "$work/root" "$work/plain"
sum=$(sha256sum <"$work/plain")
accelerator=$("$here/accelerator.sh" "$kernel" "$work/initrd")
cpu=max
[ "$accelerator" != kvm ] || cpu=host
echo "packer: accelerator $accelerator"

# build NAME IMAGE: the template as it ships. Only this image has no boot loader.
build() {
    status=0
    CHECKPOINT_DISABLE=1 HOME=$work TMPDIR=$work PACKER_CACHE_DIR=$work/cache packer build -color=false \
        -var "image=$2" -var format=raw -var "output_dir=$work/$1" -var "accelerator=$accelerator" \
        -var user=build -var "key=$work/key" -var "binary=$gokaku" -var "evidence=$kept/$1.json" \
        -var "qemuargs=[[\"-cpu\", \"$cpu\"], [\"-kernel\", \"$kernel/vmlinuz\"],
            [\"-initrd\", \"$work/initrd\"], [\"-serial\", \"file:$kept/$1.serial\"],
            [\"-append\", \"console=ttyS0 root=/dev/vda panic=-1 net.ifnames=0 quiet\"]]" \
        "$repo/provision/packer/qemu/build.pkr.hcl" >"$kept/$1.log" 2>&1 </dev/null || status=$?
    return "$status"
}
# told NAME FILTER: what the evidence says.
told() { jq -e "$2" "$kept/$1.json"; }
gone() {
    for path; do
        debugfs -R "stat $path" "$image" 2>&1 | grep 'File not found' || { echo "$path is there"; return 1; }
    done
}
rows_hold='.summary.pass | .not_met == 0 and .unknown == 0 and .met > 100'

check first-build build first "$work/plain"
check original-untouched [ "$(sha256sum <"$work/plain")" = "$sum" ]
rm -f "$work/plain"
image=$work/first/gokaku.raw
check image-clean e2fsck -f -n "$image"
check evidence-live told first .target.live
check evidence-changes told first '.changes | length > 15'
check evidence-rows told first "$rows_hold"
check nothing-left-behind gone /tmp/gokaku /tmp/gokaku-report.json /var/lib/gokaku

check second-build-gets-in build second "$image"
check second-changes-nothing told second '.changes == []'
check second-rows told second "$rows_hold"
check second-is-hardened told second '.rules[] | select(.id == "5.3.13").before == "met"'

[ "$failed" -eq 0 ] || echo "packer: what came back is in $kept" >&2
echo "packer: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
