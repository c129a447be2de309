#!/bin/sh
# standin-root.sh [DIR | --ready]: prints the path of a root file system to test on.
#
# Ubuntu 18.04's packages cannot be had everywhere, so this is Debian 11 with the packages
# that the rules look at, under the name of Ubuntu 18.04. It is built once and
# cached; treat it as read-only (tests/overlay.sh gives a writable view). With DIR, which
# must not exist yet, a copy is put there and DIR is printed. With --ready nothing is made
# or installed: the status is 1 when there is none yet.
#
# GOKAKU_TEST_ROOTFS    a directory or tar of a real 18.04 root, used instead
# GOKAKU_DEBIAN_MIRROR  where to fetch Debian from; default: as this machine's apt does
# GOKAKU_CACHE          default ~/.cache/gokaku
set -eu

suite=bullseye
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
# What the rules judge, and what an 18.04 node carries: init, login and PAM, ssh, logging,
# scheduling, firewall, time, and the clients and daemons of chapter 2 that AKS leaves in.
packages=adduser,apparmor,at,cron,dbus,e2fsprogs,iproute2,iptables,kmod,less,login,logrotate
packages=$packages,libpam-modules,libpam-pwquality,libpam-runtime,libpam-systemd,mount,netbase
packages=$packages,nfs-common,ntp,openssh-client,openssh-server,passwd,procps,rpcbind,rsync
packages=$packages,rsyslog,sudo,systemd,systemd-sysv,telnet,udev,ufw

# The day of the suite's last point release. Two builds then differ in ssh host keys and
# Python byte code only; account ages are the same too.
export SOURCE_DATE_EPOCH=1725062400 LC_ALL=C
umask 022

# Run by mmdebstrap inside the new root, whose path is $1.
identity=$(cat <<'HOOK'
set -eu
cd "$1"
rm etc/hostname etc/resolv.conf     # copies of the builder's own
cat >usr/lib/os-release <<'END'
NAME="Ubuntu"
VERSION="18.04 (stand-in)"
ID=ubuntu
ID_LIKE=debian
PRETTY_NAME="Ubuntu 18.04 (stand-in for tests)"
VERSION_ID="18.04"
VERSION_CODENAME=bionic
UBUNTU_CODENAME=bionic
END
ln -sf ../usr/lib/os-release etc/os-release
cat >etc/lsb-release <<'END'
DISTRIB_ID=Ubuntu
DISTRIB_RELEASE=18.04
DISTRIB_CODENAME=bionic
DISTRIB_DESCRIPTION="Ubuntu 18.04 (stand-in for tests)"
END
printf 'Ubuntu 18.04 \\n \\l\n\n' >etc/issue
printf 'Ubuntu 18.04\n' >etc/issue.net
rm -f etc/motd                      # 18.04 ships none
printf 'LABEL=cloudimg-rootfs\t/\t ext4\tdefaults,discard\t0 0\n' >etc/fstab
echo buster/sid >etc/debian_version
echo standin >etc/hostname
cat >etc/hosts <<'END'
127.0.0.1 localhost
127.0.1.1 standin

::1 ip6-localhost ip6-loopback
fe00::0 ip6-localnet
ff00::0 ip6-mcastprefix
ff02::1 ip6-allnodes
ff02::2 ip6-allrouters
END
ln -s ../run/systemd/resolve/stub-resolv.conf etc/resolv.conf
# Logs and caches of the build. The ssh host keys stay, though a cloud image has none:
# sshd -T does not run without.
rm -rf var/log/apt var/log/*.log var/cache/ldconfig/aux-cache
: >etc/machine-id
rm -f var/lib/dbus/machine-id
HOOK
)

here=$(cd "$(dirname "$0")" && pwd)
self=$here/$(basename "$0")
cache=${GOKAKU_CACHE:-${XDG_CACHE_HOME:-${HOME:?set HOME or GOKAKU_CACHE}/.cache}/gokaku}

say() { echo "standin-root: $*" >&2; }
die() { say "error: $*"; exit 1; }

# An ordinary user works in a user namespace, where a range of ids is the user's own.
if [ "$(id -u)" -eq 0 ]; then
    as_root() { "$@"; }
    # mmdebstrap mounts things; when it is killed, they shall not stay on this machine.
    private=
    ! unshare -m true 2>/dev/null || private='unshare -m'
    mode=auto
    no_devices=
else
    as_root() { unshare -Ur --map-auto "$@"; }
    private=
    mode=unshare
    no_devices='--exclude=./dev/*'  # mknod is refused there
fi
check_user() {
    "$here/../provision/need.sh" unshare:util-linux newuidmap:uidmap
    as_root true 2>/dev/null && return
    die "cannot enter a user namespace with a range of ids: run as root, or see that" \
        "/etc/subuid and /etc/subgid have a line for $(id -un)" \
        "(usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $(id -un))," \
        "that util-linux is 2.38 or newer, and that unprivileged user namespaces are allowed"
}

# unpack TAR DIR: with owners, modes, ACLs, attributes and capabilities as they are.
unpack() {
    mkdir "$2"
    # shellcheck disable=SC2086 # one word or none
    as_root tar -C "$2" -xpf "$1" --numeric-owner --acls --xattrs --xattrs-include='*' $no_devices
}

os_release() { sed -n "s/^$1=//p" /etc/os-release | tr -d '"'; }

# Debian mirrors of this machine's apt, best first.
apt_mirrors() {
    [ "$(os_release ID)" = debian ] || return 0
    # The main archive's suite is the bare code name, unlike its -updates and -security. LABEL
    # tells it from other people's archives, but only where there are package lists.
    # shellcheck disable=SC2016 # apt's own variables
    apt-get indextargets --format '$(LABEL)|$(COMPONENT)|$(RELEASE)|$(REPO_URI)' 'Created-By: Packages' |
        grep -E "\|main\|($(os_release VERSION_CODENAME)|stable|oldstable|testing|sid|unstable)\|" |
        awk -F'|' '{ print ($1 == "Debian" ? 1 : 2), $4 }' | sort -u | cut -d' ' -f2- |
        while read -r uri; do
            case $uri in
            mirror+file:*)          # cloud images: a file that lists the mirrors
                file=${uri#mirror+file:}
                sed -n 's/^\([a-z]*:[^[:space:]]*\).*/\1/p' "${file%/}" ;;
            cdrom:*) ;;
            *) echo "${uri%/}" ;;
            esac
        done
}

# bootstrap TAR: tries each mirror in turn.
bootstrap() {
    for mirror in ${GOKAKU_DEBIAN_MIRROR:-$(apt_mirrors) default}; do
        say "fetching Debian $suite from $mirror (a minute or two)"
        # Given a suite alone, mmdebstrap knows where that is.
        [ "$mirror" != default ] || mirror=
        # shellcheck disable=SC2086 # two words or none
        if $private mmdebstrap --mode=$mode --variant=minbase --keyring="$keyring" \
            --include="$packages" --customize-hook="$identity" \
            "$suite" "$1" ${mirror:+"$mirror"} >"$tmp/log" 2>&1 </dev/null; then
            return
        fi
        tail -n 20 "$tmp/log" >&2
        say "no luck with ${mirror:-the default mirror}; the end of its log is above"
    done
    die "could not build the root. If the mirrors have dropped $suite, set GOKAKU_DEBIAN_MIRROR to" \
        "one that keeps old releases; if signatures failed, update debian-archive-keyring"
}

# Which root is asked for, and from what it is made.
source_tar=
if [ -d "${GOKAKU_TEST_ROOTFS:-}" ]; then
    root=$(cd "$GOKAKU_TEST_ROOTFS" && pwd)
elif [ -n "${GOKAKU_TEST_ROOTFS:-}" ]; then
    [ -f "$GOKAKU_TEST_ROOTFS" ] || die "GOKAKU_TEST_ROOTFS: no such file or directory: $GOKAKU_TEST_ROOTFS"
    source_tar=$(realpath "$GOKAKU_TEST_ROOTFS")
    key=$(stat -c '%n %s %Y' "$source_tar" | sha256sum | cut -c1-12)
    root=$cache/given-$key/root
else
    # A changed script is a different root. Old ones stay: another checkout may use them.
    root=$cache/standin-$(sha256sum <"$self" | cut -c1-12)/root
fi

if [ "${1:-}" = --ready ]; then
    [ -d "$root" ] || exit 1
    printf '%s\n' "$root"
    exit
fi

[ "$(id -u)" -eq 0 ] || check_user

if [ ! -d "$root" ]; then
    mkdir -p "$cache"
    "$here/../provision/need.sh" flock:util-linux
    exec 9>"$cache/lock"
    flock -n 9 || { say "waiting for another run that is building"; flock 9; }
fi
if [ ! -d "$root" ]; then
    # Only a holder of the lock makes these: any that is here was left by a killed run.
    for tmp in "$cache"/tmp.*; do
        [ ! -e "$tmp" ] || as_root rm -rf --one-file-system "$tmp"
    done
    tmp=$(mktemp -d "$cache/tmp.XXXXXX")
    trap 'as_root rm -rf --one-file-system "$tmp"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    if [ -z "$source_tar" ]; then
        "$here/../provision/need.sh" mmdebstrap:mmdebstrap "$keyring:debian-archive-keyring"
        source_tar=$tmp/root.tar
        bootstrap "$source_tar"
    fi
    unpack "$source_tar" "$tmp/root"
    [ -e "$tmp/root/etc/os-release" ] || die "$source_tar holds no root file system: no etc/os-release"
    # Complete, or not there at all. mktemp's mode 0700 stays: nobody else is to run the
    # outdated setuid programs in there.
    rm -f "$tmp/root.tar" "$tmp/log"
    mv -T "$tmp" "${root%/root}"
    say "built $root ($(as_root du -sh "$root" | cut -f1))"
fi

if [ -n "${1:-}" ]; then
    [ ! -e "$1" ] || die "$1 exists already"
    as_root cp -a "$root" "$1"
    root=$1
fi
printf '%s\n' "$root"
