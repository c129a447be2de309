#!/bin/sh
# demo.sh [ROOTFS]: shows what gokaku does, on a throw-away copy of a root file system.
#
# Builds gokaku, gets a root (ROOTFS, a directory or tar; else the stand-in for Ubuntu 18.04
# that the tests use), copies it, and runs plan, apply, audit and a second apply, which
# must not change a thing. Nothing outside the copy is touched.
# GOKAKU_BIN: use this binary and build none.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
say() { printf '\n==> %s\n' "$*"; }
fail() { printf 'demo: FAILED: %s\n' "$*" >&2; exit 1; }

if [ "${1:-}" != --inside ]; then
    bin=${GOKAKU_BIN:-}
    if [ -z "$bin" ]; then
        say "building gokaku"
        bin=$here/../target/static/gokaku
        "$here/build-static.sh" "$bin"
    fi
    [ -x "$bin" ] || fail "no such program: $bin"
    bin=$(realpath "$bin")
    say "fetching a root file system (built on the first run, cached after)"
    root=$(GOKAKU_TEST_ROOTFS=${1:-${GOKAKU_TEST_ROOTFS:-}} "$here/../tests/standin-root.sh")
    echo "$root"
    # An ordinary user owns the files of the copy only inside a user namespace.
    [ "$(id -u)" -eq 0 ] || exec unshare -Ur --map-auto sh "$0" --inside "$bin" "$root"
    set -- --inside "$bin" "$root"
fi

bin=$2 root=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
copy=$work/root
cp -a "$root" "$copy"
# What undoes an apply is kept here, not on this machine's own place for it.
mkdir "$work/state"
export GOKAKU_STATE_DIR="$work/state"

# run VERB ARGUMENT…: 0 is as declared, 1 could not tell of some rule, 2 some rule does not
# hold: all three are answers. Anything else (a guard's refusal, wrong usage, a panic) is not.
run() {
    say "gokaku $*"
    status=0
    "$bin" "$@" || status=$?
    case $status in
    0) ;;
    1) echo "(exit status 1: some rules could not be determined; they are named above)" ;;
    2) echo "(exit status 2: some rules do not hold, or not yet; they are named above)" ;;
    *) fail "gokaku $1 ended with exit status $status" ;;
    esac
}

# Of every file: inode, type, mode, owner, size, times, link target and content. The inode and
# the time of the last change of any kind (ctime) betray even a rewrite of the same bytes.
listing() {
    (
        cd "$copy"
        find . -printf '%p %i %y %m %U:%G %s %T@ %C@ %l\n' | LC_ALL=C sort
        find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
    )
}

listing >"$work/before"
run plan --root "$copy"
listing >"$work/planned"
cmp -s "$work/before" "$work/planned" || fail "plan changed something"

run apply --root "$copy" --state-dir "$work/state"
applied=$status
listing >"$work/first"
changed=$(diff "$work/before" "$work/first" | grep -c '^> \./' || true)
[ "$applied" -eq 0 ] || [ "$changed" -gt 0 ] || fail "apply did nothing"

run audit --root "$copy"
audited=$status

run apply --root "$copy" --state-dir "$work/state"
listing >"$work/second"
if ! cmp -s "$work/first" "$work/second"; then
    diff "$work/first" "$work/second" >&2 || true
    fail "the second apply changed something"
fi

say "done"
cat <<END
root             $root (left as it was; all was done on a copy, now removed)
first apply      exit status $applied, $changed files and directories touched
audit after it   exit status $audited (0: as declared; 1: some rules unknown; 2: some do not hold)
second apply     exit status $status, nothing changed: $(wc -l <"$work/second") facts about the files
                 (content, mode, owner, size, times, inode) are the same before and after
END
