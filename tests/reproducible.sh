#!/bin/sh
# reproducible.sh: builds the commit checked out here twice, at two paths of different length, with
# everything of cargo's but the downloads apart, and compares binary, .deb and tar.gz byte by
# byte. Two release builds take minutes, so tests/run.sh runs it with GOKAKU_TEST_REPRODUCIBLE=1.
# What is not committed is not looked at.
set -eu

cd "$(dirname "$0")/.."
here=$PWD
commit=$(git rev-parse HEAD)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# One cargo-deb for both: it is a tool, as the compiler is.
GOKAKU_TOOLS=${GOKAKU_TOOLS:-$here/target/tools}
export GOKAKU_TOOLS
unset CARGO_TARGET_DIR SOURCE_DATE_EPOCH GOKAKU_COMMIT

# build DIR: other users, times and umasks build, too.
build() {
    mkdir -p "$(dirname "$1")"
    git clone --quiet --no-hardlinks "$here" "$1"
    git -C "$1" checkout --quiet --detach "$commit"
    find "$1" -name .git -prune -o -type f -exec touch -d "$2" {} +
    (umask "$3" && cd / && "$1/provision/build-deb.sh" "$1/out") >"$work/log" 2>&1 ||
        { tail -n 40 "$work/log" >&2; exit 1; }
    cp "$1/target/package/gokaku" "$1/out/"
    (cd "$1/out" && sha256sum -- *)
}

build "$work/a" '2 days ago' 022 >"$work/first"
build "$work/a deeper/place with blanks" '1 hour ago' 077 >"$work/second"
cat "$work/first"
if ! cmp -s "$work/first" "$work/second"; then
    cat "$work/second"
    echo "reproducible: FAILED: the second build differs" >&2
    exit 1
fi
echo "reproducible: two builds of $commit are the same bytes"
