#!/bin/sh
# machine-root.sh ROOTFS DIR PUBLIC_KEY [KERNEL_DIR]: a copy of ROOTFS for the test machines. It has,
# beside what ROOTFS has,
#
#   the account `build` with that ssh key and sudo without a password, as a cloud image's first
#   user has; the same key for root (which a hardened image refuses all the same)
#   crun, as a node's container engine would have one like it
#   a word list for cracklib, without which pam_pwquality refuses every password
#   a job of cron's that says that cron ran
#   modules of KERNEL_DIR: those that nodes need, and those that the profile keeps out
set -eu

here=$(cd "$(dirname "$0")" && pwd)
[ $# -ge 3 ] || { echo "usage: machine-root.sh ROOTFS DIR PUBLIC_KEY [KERNEL_DIR]" >&2; exit 64; }
rootfs=$(realpath "$1") dir=$2 key=$3 kernel=${4:-}
"$here/../provision/need.sh" modprobe:kmod
cache=${GOKAKU_CACHE:-${XDG_CACHE_HOME:-${HOME:?set HOME or GOKAKU_CACHE}/.cache}/gokaku}

packages='crun cracklib-runtime wamerican'
debs=$cache/debs-$(printf '%s %s' "$rootfs" "$packages" | sha256sum | cut -c1-12)
if [ ! -d "$debs" ]; then
    rm -rf "$debs.new"
    # shellcheck disable=SC2086 # a list of names
    if "$here/debs.sh" "$rootfs" "$debs.new" $packages; then
        mv -T "$debs.new" "$debs"
    else
        echo "machine-root: cannot fetch $packages for this root; checks that need them are skipped" >&2
    fi
fi

mkdir -p "$(dirname "$dir")"
cp -a "$rootfs" "$dir"
if [ -d "$debs" ]; then
    cp "$debs"/*.deb "$dir/var/cache/"
    chroot "$dir" sh -c 'DEBIAN_FRONTEND=noninteractive dpkg -i /var/cache/*.deb' >/dev/null
    rm "$dir"/var/cache/*.deb
fi

chroot "$dir" useradd -m -s /bin/bash build
echo 'build ALL=(ALL) NOPASSWD:ALL' >"$dir/etc/sudoers.d/90-build"
chmod 440 "$dir/etc/sudoers.d/90-build"
for home in root home/build; do
    install -d -m 700 "$dir/$home/.ssh"
    install -m 600 "$key" "$dir/$home/.ssh/authorized_keys"
done
chroot "$dir" chown -R build:build /home/build
# sudo looks up the machine's own name; without this line it waits for a network.
name=$(cat "$dir/etc/hostname" 2>/dev/null || echo localhost)
grep -qw -- "$name" "$dir/etc/hosts" || echo "127.0.1.1 $name" >>"$dir/etc/hosts"
echo '@reboot root test -e /nowhere || touch /run/cron-ran' >"$dir/etc/cron.d/says-it-ran"

[ -n "$kernel" ] || exit 0
release=$(basename "$kernel"/modules/lib/modules/*)
from=$kernel/modules/lib/modules/$release to=$dir/lib/modules/$release
mkdir -p "$to"
cp "$from"/modules.builtin* "$from/modules.order" "$to/"
list=$(mktemp)
trap 'rm -f "$list"' EXIT
for module in cramfs freevxfs jffs2 hfs hfsplus usb-storage udf isofs loop overlay sunrpc \
    autofs4 bridge br_netfilter veth tun dummy xt_MASQUERADE xt_addrtype xt_comment xt_conntrack \
    xt_LOG xt_limit xt_mark xt_multiport xt_recent xt_set xt_tcpudp xt_statistic ipt_REJECT \
    ip6t_REJECT nft_compat nft_chain_nat nft_counter nf_nat iptable_nat iptable_filter \
    ip6table_filter ip6t_rt xt_hl nft_ct nft_limit nft_log nf_log_syslog; do
    modprobe -d "$kernel/modules" -S "$release" --show-depends "$module" 2>/dev/null || true
done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | sort -u >"$list"
while read -r file; do
    relative=${file#"$from"/}
    mkdir -p "$to/$(dirname "$relative")"
    cp "$file" "$to/$relative"
done <"$list"
depmod -b "$dir" "$release"
