#!/bin/sh
# need.sh WHAT:PACKAGE…: makes sure that the tools a script is about to use are there.
# WHAT is a command, or an absolute path. What is missing is installed with apt-get
# when run as root; anybody else is told what to install.
set -eu

# look PAIR…: puts the packages of what is not there into $missing.
look() {
    # What was found is remembered, and may be gone.
    hash -r
    missing=
    for pair; do
        what=${pair%%:*} package=${pair#*:}
        case $what in
        /*) [ -e "$what" ] && continue ;;
        *) command -v "$what" >/dev/null && continue ;;
        esac
        case " $missing " in
        *" $package "*) ;;
        *) missing="${missing:+$missing }$package" ;;
        esac
    done
    [ -n "$missing" ]
}
look "$@" || exit 0

if ! command -v apt-get >/dev/null; then
    echo "error: this needs the Debian packages: $missing (no apt-get here: install their like by hand)" >&2
    exit 69
elif [ "$(id -u)" -ne 0 ]; then
    echo "error: missing packages; as root: apt-get install $missing" >&2
    exit 69
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() {
    # shellcheck disable=SC2086 # a list of package names
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 \
        install -y --no-install-recommends $missing >>"$log" 2>&1 </dev/null
}
# A fresh machine has no package lists and an old one has stale ones: fetch them only
# then. Some third-party source may fail to update; what counts is the install.
add() {
    echo "installing $missing" >&2
    install && return
    apt-get -o DPkg::Lock::Timeout=300 update >>"$log" 2>&1 || true
    install || { cat "$log" >&2; echo "error: apt-get could not install: $missing" >&2; exit 69; }
}
add
# What conflicts with a package of another origin has taken that away (qemu-utils from backports).
if look "$@"; then
    add
    ! look "$@" || { cat "$log" >&2; echo "error: still not there after the installation: $missing" >&2; exit 69; }
fi
