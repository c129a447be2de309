#!/bin/sh
# forbidden-debs.sh ROOTFS: prints a directory with the .debs of real packages that the table
# forbids, of two that it wants, and of all they need in ROOTFS beyond what is there.
#
# They are fetched once by ROOTFS's own apt-get (in a throw-away view) and cached beside it.
# The status is 77 (skipped, by convention) when they cannot be fetched.
set -eu

names="avahi-daemon cups iptables-persistent isc-dhcp-server ldap-utils nftables nis \
rsh-redone-client slapd talk vsftpd logrotate ufw"
here=$(cd "$(dirname "$0")" && pwd)

if [ "${1:-}" != --inside ]; then
    [ -d "${1:-}" ] || { echo "usage: forbidden-debs.sh ROOTFS" >&2; exit 64; }
    rootfs=$(cd "$1" && pwd -P)
    key=$(printf '%s %s' "$rootfs" "$names" | sha256sum | cut -c1-12)
    cache=${GOKAKU_CACHE:-${XDG_CACHE_HOME:-${HOME:?set HOME or GOKAKU_CACHE}/.cache}/gokaku}
    debs=$cache/forbidden-$key
    mkdir -p "$cache"
    exec 9>"$cache/forbidden-lock"
    flock 9
    if [ ! -d "$debs" ]; then
        temp=$(mktemp -d "$cache/tmp-forbidden.XXXXXX")
        trap 'rm -rf "$temp"' EXIT
        trap 'exit 130' INT
        trap 'exit 143' TERM
        echo "forbidden-debs: fetching (once)" >&2
        if ! "$here/overlay.sh" "$rootfs" -- sh "$0" --inside "$temp" 9>&- >"$temp/log" 2>&1; then
            tail -n 5 "$temp/log" >&2
            echo "forbidden-debs: skipped: $rootfs cannot fetch its packages (network, mirror)" >&2
            exit 77
        fi
        rm "$temp/log"
        chmod 755 "$temp"
        mv -T "$temp" "$debs"
    fi
    printf '%s\n' "$debs"
    exit
fi

out=$2 root=$GOKAKU_ROOT
cp --remove-destination /etc/resolv.conf "$root/etc/resolv.conf"
mount --rbind /dev "$root/dev"
apt() { chroot "$root" apt-get -q -y -o APT::Sandbox::User=root "$@" </dev/null 2>&1; }
apt update
# shellcheck disable=SC2086 # a list of names
apt --no-install-recommends --download-only --reinstall install $names
cp "$root"/var/cache/apt/archives/*.deb "$out/"
[ "$(find "$out" -name '*.deb' | wc -l)" -ge 13 ]
