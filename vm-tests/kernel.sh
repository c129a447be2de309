#!/bin/sh
# kernel.sh [DIR]: unpacks a kernel for the test machines and prints its directory, which then holds
# vmlinuz and modules/. Nothing is installed. DIR: by default one in the cache, by version.
#
# It is Debian's ordinary kernel, because that has every module the profile is about; the one for
# clouds lacks them, and a module that is not there is refused by any image.
#
# GOKAKU_KERNEL   a directory made like that already, used instead
# GOKAKU_CACHE    default ~/.cache/gokaku
set -eu

here=$(cd "$(dirname "$0")" && pwd)
say() { echo "kernel: $*" >&2; }
die() { say "error: $*"; exit 1; }

if [ -n "${GOKAKU_KERNEL:-}" ]; then
    [ -e "$GOKAKU_KERNEL/vmlinuz" ] || die "GOKAKU_KERNEL: no vmlinuz in $GOKAKU_KERNEL"
    realpath "$GOKAKU_KERNEL"
    exit
fi

"$here/../provision/need.sh" apt-cache:apt dpkg-deb:dpkg depmod:kmod
meta=linux-image-$(dpkg --print-architecture)
image() { apt-cache depends "$meta" 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1; }
package=$(image)
if [ -z "$package" ]; then      # a fresh machine has no package lists
    apt-get update >&2 || true
    package=$(image)
fi
[ -n "$package" ] || die "apt knows no package $meta (a Debian one): set GOKAKU_KERNEL to a" \
    "directory with vmlinuz and modules/lib/modules of some kernel"

release=${package#linux-image-}
cache=${GOKAKU_CACHE:-${XDG_CACHE_HOME:-${HOME:?set HOME or GOKAKU_CACHE}/.cache}/gokaku}
dir=$(realpath -m "${1:-$cache/kernel-$release}")
if [ ! -e "$dir/vmlinuz" ]; then
    mkdir -p "$(dirname "$dir")"
    tmp=$(mktemp -d "$dir.XXXXXX")
    trap 'rm -rf "$tmp"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    say "fetching $package"
    fetch() (cd "$tmp" && apt-get -qq -o APT::Sandbox::User=root download "$package" >&2)
    fetch || { apt-get update >&2 && fetch; }
    dpkg-deb -x "$tmp/$package"_*.deb "$tmp/all"
    mkdir "$tmp/kernel" "$tmp/kernel/modules"
    mv "$tmp/all/boot/vmlinuz-$release" "$tmp/kernel/vmlinuz"
    mv "$tmp/all/boot/config-$release" "$tmp/kernel/config"
    # An image takes modules/lib as its own /lib.
    mv "$tmp/all/lib" "$tmp/kernel/modules/"
    depmod -b "$tmp/kernel/modules" "$release"
    echo "$release" >"$tmp/kernel/release"
    # Whole or not at all; another run may have been faster.
    mv -T "$tmp/kernel" "$dir" 2>/dev/null || [ -e "$dir/vmlinuz" ] || die "cannot make $dir"
fi
printf '%s\n' "$dir"
