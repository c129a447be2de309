#!/bin/sh
# run.sh: everything a change must pass, from a fresh machine with Rust, gcc and apt.
# As root it installs what is missing.
set -eu

cd "$(dirname "$0")/.."
command -v cargo >/dev/null || PATH=${CARGO_HOME:-${HOME:-}/.cargo}/bin:$PATH

provision/need.sh mmdebstrap:mmdebstrap unshare:util-linux newuidmap:uidmap strace:strace \
    setfacl:acl getfattr:attr shellcheck:shellcheck gcc:gcc readelf:binutils \
    augtool:augeas-tools oscap:openscap-scanner pgrep:procps \
    /usr/share/xml/scap/ssg/content/ssg-ubuntu1804-ds.xml:ssg-debderived
cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt
cargo clippy --version >/dev/null 2>&1 || rustup component add clippy

# step COMMAND…: says what is run and how long it took.
step() {
    echo "== $*" >&2
    start=$(date +%s)
    "$@"
    echo "== $(($(date +%s) - start)) s" >&2
}

step cargo fmt --check
find . \( -name target -o -name .git \) -prune -o -name '*.sh' -print0 | step xargs -0 shellcheck .ci/run
step cargo clippy --all-targets --locked -- -D warnings

GOKAKU_STANDIN=$(step tests/standin-root.sh)
GOKAKU_STATIC=$PWD/target/static/gokaku
export GOKAKU_STANDIN GOKAKU_STATIC
step provision/build-static.sh "$GOKAKU_STATIC"

step cargo test --locked
