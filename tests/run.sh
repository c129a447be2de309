#!/bin/sh
# run.sh: everything a change must pass, from a fresh machine with Rust, gcc and apt.
# As root it installs what is missing.
set -eu

cd "$(dirname "$0")/.."
command -v cargo >/dev/null || PATH=${CARGO_HOME:-${HOME:-}/.cargo}/bin:$PATH

provision/need.sh mmdebstrap:mmdebstrap unshare:util-linux newuidmap:uidmap strace:strace \
    setfacl:acl getfattr:attr shellcheck:shellcheck gcc:gcc c++:g++ readelf:binutils \
    packer:packer ssh-keygen:openssh-client ip:iproute2 qemu-img:qemu-utils sfdisk:fdisk \
    buildah:buildah systemd-nspawn:systemd-container losetup:mount mke2fs:e2fsprogs debugfs:e2fsprogs \
    mkfs.xfs:xfsprogs mkfs.vfat:dosfstools qemu-system-x86_64:qemu-system-x86 \
    augtool:augeas-tools oscap:openscap-scanner xmllint:libxml2-utils patch:patch chromium:chromium npm:npm \
    /usr/share/openscap/schemas/xccdf/1.2/xccdf_1.2.xsd:openscap-common pgrep:procps groff:groff-base lintian:lintian zsh:zsh fish:fish \
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
step cargo fmt --check --manifest-path fuzz/Cargo.toml
step cargo fmt --check --manifest-path tests/downstream/Cargo.toml
find . \( -name target -o -name .git \) -prune -o -name '*.sh' -print0 | step xargs -0 shellcheck .ci/run
step cargo clippy --all-targets --locked -- -D warnings
# As another crate builds the library, where nothing may be left over; and the program.
step cargo clippy --lib --no-default-features --locked -- -D warnings
step cargo clippy --lib --bins --locked -- -D warnings
step env RUSTDOCFLAGS='-D warnings' cargo doc --quiet --no-deps --locked
step env RUSTDOCFLAGS='-D warnings' cargo doc --quiet --no-deps --locked --document-private-items
step tests/deny.sh

GOKAKU_STANDIN=$(step tests/standin-root.sh)
rm -rf target/debian
step provision/build-deb.sh
# The package is made of the static binary.
GOKAKU_STATIC=$PWD/target/package/gokaku
for GOKAKU_DEB in "$PWD"/target/debian/*.deb; do :; done
export GOKAKU_STANDIN GOKAKU_STATIC GOKAKU_DEB

step cargo test --locked

# tests/fuzz.rs has put the same targets to a smaller test.
if [ "${GOKAKU_TEST_FUZZ:-}" = 1 ]; then
    cargo fuzz --version >/dev/null 2>&1 || step cargo install --quiet --locked cargo-fuzz
    step fuzz/run.sh --quick
else
    echo "SKIPPED fuzz/run.sh: builds every target with its own instrumentation; GOKAKU_TEST_FUZZ=1 runs it" >&2
fi

if [ "${GOKAKU_TEST_REPRODUCIBLE:-}" = 1 ]; then
    step tests/reproducible.sh
else
    echo "SKIPPED tests/reproducible.sh: two release builds; GOKAKU_TEST_REPRODUCIBLE=1 runs them" >&2
fi

step vm-tests/run.sh
# The one disk image that is built in a virtual machine, and booted again: minutes where nothing
# boots under KVM.
if [ "${GOKAKU_TEST_VM:-1}" = 1 ]; then
    step vm-tests/packer.sh
else
    echo "SKIPPED vm-tests/packer.sh: GOKAKU_TEST_VM=$GOKAKU_TEST_VM; unset runs it" >&2
fi
