#!/bin/sh
# overlay.sh ROOTFS -- COMMAND…: runs COMMAND with a throw-away writable view of ROOTFS.
#
#   GOKAKU_ROOT   the view; whatever is written there is gone at the end
#   GOKAKU_UPPER  holds just what was changed (a removed file is a character device 0,0)
#   GOKAKU_LOWER  ROOTFS as it was, read-only
#
# Everything is mounted over ROOTFS itself in a private mount namespace, so COMMAND cannot
# reach the real one by its path, and nothing is left even after kill -9. An ordinary
# user gets a user namespace with a range of ids. The exit status is COMMAND's; 77
# (skipped, by convention) when this machine cannot do it.
set -eu

if [ "${1:-}" != --inside ]; then
    if [ $# -lt 3 ] || [ "$2" != -- ]; then
        echo "usage: overlay.sh ROOTFS -- COMMAND…" >&2
        exit 64
    fi
    rootfs=$1
    shift 2
    [ -d "$rootfs" ] || { echo "overlay: error: not a directory: $rootfs" >&2; exit 66; }

    if [ "$(id -u)" -eq 0 ]; then
        options=-m
        lacking="root here may not make mount namespaces (CAP_SYS_ADMIN: in Docker, --privileged)"
    else
        options='-Urm --map-auto'
        lacking="run as root, or see to unshare of util-linux 2.38, newuidmap (package uidmap), \
lines for $(id -un) in /etc/subuid and /etc/subgid, and unprivileged user namespaces allowed"
    fi
    # shellcheck disable=SC2086 # several options
    if ! unshare $options true; then
        echo "overlay: skipped: $lacking" >&2
        exit 77
    fi
    # shellcheck disable=SC2086
    exec unshare $options -- sh "$0" --inside "$(id -u)" "$rootfs" "$@"
fi

uid=$2 rootfs=$(cd "$3" && pwd -P) back=$(pwd)
shift 3
skip() {
    echo "overlay: skipped: cannot mount $1 here (kernel without it, or a policy such as" \
        "kernel.apparmor_restrict_unprivileged_userns or a container's forbids it)" >&2
    exit 77
}

cd "$rootfs"        # stays below what is mounted next
mount -t tmpfs overlay-sh "$rootfs" || skip tmpfs
mkdir "$rootfs/lower" "$rootfs/upper" "$rootfs/work" "$rootfs/view"
mount --no-canonicalize --bind . "$rootfs/lower" || skip "a bind"
mount -o remount,bind,ro "$rootfs/lower" || skip "a read-only bind"
cd "$rootfs"        # from here on the tmpfs
# The view's own top directory is the upper one.
chown --reference=lower upper && chmod --reference=lower upper && touch -r lower upper
layers=lowerdir=lower,upperdir=upper,workdir=work       # relative: any character may be in a path
if [ "$uid" -eq 0 ]; then
    mount -t overlay overlay-sh -o "$layers" view || skip overlayfs
else
    mount -t overlay overlay-sh -o "$layers,userxattr" view || skip "overlayfs with userxattr (Linux 5.11)"
fi

export GOKAKU_ROOT="$rootfs/view" GOKAKU_UPPER="$rootfs/upper" GOKAKU_LOWER="$rootfs/lower"
cd "$back"
exec "$@"
