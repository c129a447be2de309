#!/bin/sh
# build-deb.sh [OUTDIR]: builds the Debian package, and a tar.gz of the same files for other systems.
# OUTDIR: target/debian by default. The package needs neither Rust nor any other package.
#
# The same commit gives the same bytes wherever it lies (tests/reproducible.sh proves it): the
# dependencies are locked, paths are mapped away, and every date is SOURCE_DATE_EPOCH, by
# default the commit's. What must be the same is the Rust toolchain, the C library that is
# linked in, and the cargo-deb below.
#
# GOKAKU_TOOLS: where cargo-deb is, or is put if it is missing; target/tools by default.
set -eu

cargo_deb=3.8.0

out=${1:+$(realpath -m "$1")}
cd "$(dirname "$0")/.."
out=${out:-$PWD/target/debian}
tools=${GOKAKU_TOOLS:-$PWD/target/tools}
command -v cargo >/dev/null || PATH=${CARGO_HOME:-${HOME:-}/.cargo}/bin:$PATH
provision/need.sh gcc:gcc dpkg-deb:dpkg gzip:gzip
umask 022

# Found or not, it must be this version: another one may pack differently.
PATH=$tools/bin:$PATH
if [ "$(cargo-deb --version 2>/dev/null)" != "cargo-deb $cargo_deb" ]; then
    echo "installing cargo-deb $cargo_deb to $tools (a minute or two)" >&2
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    cargo install --quiet --locked --root "$tools" --version "=$cargo_deb" cargo-deb >"$log" 2>&1 ||
        { cat "$log" >&2; echo "error: cargo could not install cargo-deb $cargo_deb" >&2; exit 69; }
fi

# The day of the commit; of a source without git, the day of its newest change on record.
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null) || SOURCE_DATE_EPOCH=$(stat -c %Y CHANGELOG.md)
fi
export SOURCE_DATE_EPOCH

# What Cargo.toml's [package.metadata.deb] takes from here.
stage=$PWD/target/package
rm -rf "$stage"
mkdir -p "$stage"
provision/build-static.sh "$stage/gokaku" >&2
cargo run --quiet --locked --example packaging --target-dir "${CARGO_TARGET_DIR:-target}" -- \
    "$stage" "$(date -u -d "@$SOURCE_DATE_EPOCH" +%F)"
# What builds the program is of no use where it is installed.
mkdir "$stage/provision"
tar -C provision --exclude='./build-*.sh' --exclude=./demo.sh -cf - . | tar -C "$stage/provision" -xf -
chmod -R u=rwX,go=rX "$stage"
maintainer=$(sed -n 's/^maintainer = "\(.*\)"/\1/p' Cargo.toml)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
cat >"$stage/changelog" <<END
gokaku ($version-1) unstable; urgency=medium

  * What is new: /usr/share/doc/gokaku/CHANGELOG.md.

 -- $maintainer  $(LC_ALL=C date -u -d "@$SOURCE_DATE_EPOCH" '+%a, %d %b %Y %T +0000')
END
cat >"$stage/copyright" <<'END'
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: gokaku

Files: *
Copyright: 2026 the gokaku authors
License: Apache-2.0
 On Debian systems, the full text is in /usr/share/common-licenses/Apache-2.0.
END
# What lintian says of a package of Debian's own, and why it is so here. tests/package.rs runs it.
cat >"$stage/lintian-overrides" <<'END'
# Static and position-independent: one binary for every release, and for roots that have another C library.
gokaku: shared-library-lacks-prerequisites [usr/bin/gokaku]
# Reads the database of roots whose own dpkg must not run.
gokaku: uses-dpkg-database-directly [usr/bin/gokaku]
# cargo-deb writes the field although there is nothing to depend on.
gokaku: empty-field Depends
# Not an upload to Debian: there is no bug to close.
gokaku: initial-upload-closes-no-bugs *
END

mkdir -p "$out"
deb=$out/gokaku_$version-1_$(dpkg --print-architecture).deb
cargo-deb --quiet --locked --no-build --no-strip --output "$deb"
# The same tree: tar -C / -xzf, or -C /opt --strip-components=2 for a prefix.
dpkg-deb --fsys-tarfile "$deb" | gzip -9n >"${deb%.deb}.tar.gz"
sha256sum "$deb" "${deb%.deb}.tar.gz"
