#!/bin/sh
# build-static.sh [OUTFILE]: builds the static gokaku binary, which runs on any Linux of this
# architecture and inside an 18.04 root. OUTFILE: target/static/gokaku by default.
set -eu

out=${1:+$(realpath -m "$1")}
cd "$(dirname "$0")/.."
out=${out:-$PWD/target/static/gokaku}
command -v cargo >/dev/null || PATH=${CARGO_HOME:-${HOME:-}/.cargo}/bin:$PATH
command -v cargo >/dev/null || { echo "error: no cargo: install a Rust toolchain" >&2; exit 69; }
provision/need.sh gcc:gcc readelf:binutils

host=$(rustc -vV | sed -n 's/^host: //p')
target=${CARGO_TARGET_DIR:-target}
# The encoded form, parted by \037, survives blanks in a path. The same source gives the same
# binary wherever it lies. --target keeps build scripts and proc macros, which cannot be
# static, free of these flags.
CARGO_ENCODED_RUSTFLAGS=$(printf '%s\037%s\037%s' -Ctarget-feature=+crt-static \
    "--remap-path-prefix=$PWD=gokaku" "--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo")
export CARGO_ENCODED_RUSTFLAGS
cargo build --release --locked --bin gokaku --target "$host" --target-dir "$target" >&2

built=$target/$host/release/gokaku
if readelf --wide --program-headers --dynamic "$built" | grep -E 'INTERP|\(NEEDED\)' >&2; then
    echo "error: $built is not static" >&2
    exit 1
fi
mkdir -p "$(dirname "$out")"
# Not over a binary that may be running.
cp "$built" "$out.new"
mv -f "$out.new" "$out"
echo "$out: $(stat -c %s "$out") bytes, static"
