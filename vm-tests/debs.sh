#!/bin/sh
# debs.sh ROOTFS OUT PACKAGE…: fetches the packages, and whatever they need that ROOTFS lacks, from
# where ROOTFS itself gets its packages. ROOTFS is only read. OUT then holds the .deb files.
#
# apt works on package lists of its own here, so this machine's are neither asked nor changed.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
[ $# -ge 3 ] || { echo "usage: debs.sh ROOTFS OUT PACKAGE…" >&2; exit 64; }
root=$(realpath "$1") out=$(realpath -m "$2")
shift 2
"$here/../provision/need.sh" apt-get:apt
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$out" "$tmp/lists/partial" "$tmp/archives/partial" "$tmp/etc/parts" "$tmp/cache"
cp "$root/etc/apt/sources.list" "$tmp/etc/sources.list"
cp "$root/var/lib/dpkg/status" "$tmp/status"
fetch() {
    apt-get -qq -o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::Retries=2 \
        -o APT::Install-Recommends=false \
        -o Dir::State::lists="$tmp/lists" -o Dir::State::status="$tmp/status" \
        -o Dir::State::extended_states="$tmp/extended" -o Dir::Cache="$tmp/cache" \
        -o Dir::Cache::archives="$tmp/archives" -o Dir::Etc::sourcelist="$tmp/etc/sources.list" \
        -o Dir::Etc::sourceparts="$tmp/etc/parts" -o Dir::Etc::preferences="$tmp/etc/none" \
        -o Dir::Etc::preferencesparts="$tmp/etc/parts" \
        -o Dir::Etc::trustedparts="$root/etc/apt/trusted.gpg.d" "$@" </dev/null >&2
}
fetch update
fetch install --download-only --reinstall -y "$@"
mv "$tmp/archives/"*.deb "$out/"
