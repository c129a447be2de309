#!/bin/sh
# run.sh [--runs N | --quick] [--seconds N] [--fast] [TARGET…]: builds the fuzz targets and runs each
# for N executions (default: 1000000), one after another; with --seconds, no longer than that each.
# Prints executions, speed and crashes of each; the status is 1 if anything crashed.
#
# --quick is what a change must pass: 20000 executions and one second each at most. --fast does not
# watch comparisons: two to four times as many executions a second, each a little blinder; for a long
# run on a corpus that is good already.
#
# Needs cargo-fuzz (`cargo install cargo-fuzz`) and a C++ compiler, and no nightly toolchain.
# The seeds are those of seeds/ and, if one is ready, the files of the test root. What was
# found worth keeping stays in corpus/, crashing inputs in artifacts/; neither is committed.
set -eu

usage() {
    sed -n 's/^# \{0,1\}//; 2,8p' "$0" >&2
    exit 64
}

runs=1000000 seconds=0 fast=
while [ $# -gt 0 ]; do
    case $1 in
    --quick) runs=20000 seconds=1 ;;
    --fast) fast=--no-trace-compares ;;
    --runs | --seconds)
        [ $# -gt 1 ] || usage
        if [ "$1" = --runs ]; then runs=$2; else seconds=$2; fi
        shift
        ;;
    -*) usage ;;
    *) break ;;
    esac
    shift
done
for number in "$runs" "$seconds"; do
    case $number in '' | *[!0-9]*) usage ;; esac
done

cd "$(dirname "$0")"
command -v cargo >/dev/null || PATH=${CARGO_HOME:-${HOME:-}/.cargo}/bin:$PATH
../provision/need.sh c++:g++
if ! cargo fuzz --version >/dev/null 2>&1; then
    echo "error: cargo-fuzz is missing; run: cargo install --locked cargo-fuzz" >&2
    exit 69
fi
# The first name is the package's.
all=$(sed -n 's/^name = "\(.*\)"$/\1/p' Cargo.toml | sed 1d | tr '\n' ' ')
for target; do
    case " $all" in
    *" $target "*) ;;
    *) echo "error: no target $target; there are: $all" >&2 && exit 64 ;;
    esac
done
# shellcheck disable=SC2086 # a list of words
[ $# -gt 0 ] || set -- $all

# No sanitizer: the code is safe Rust, and a stable compiler does.
export CARGO_TARGET_DIR="$PWD/target${fast:+/fast}"
one=
[ $# -gt 1 ] || one=$1
# shellcheck disable=SC2086 # one word or none
cargo fuzz build --sanitizer none $fast $one >&2
host=$(rustc -vV | sed -n 's/^host: //p')

root=$(../tests/standin-root.sh --ready 2>/dev/null) || root=
[ -z "$root" ] || ./seeds.sh "$root" corpus

log=$(mktemp) words=$(mktemp)
trap 'rm -f "$log" "$words"' EXIT
status=0
printf '%-20s %12s %10s  %s\n' target executions exec/s result
for target; do
    mkdir -p "corpus/$target" "artifacts/$target"
    # Rules read files of every kind.
    case $target in
    rules_*) cat dictionaries/* >"$words" ;;
    *) cat "dictionaries/$target" >"$words" ;;
    esac
    result=ok
    "$CARGO_TARGET_DIR/$host/release/$target" -runs="$runs" -max_total_time="$seconds" -max_len=2048 \
        -timeout=60 -rss_limit_mb=2048 -reload=0 -print_final_stats=1 -dict="$words" \
        -artifact_prefix="artifacts/$target/" "corpus/$target" "seeds/$target" \
        >"$log" 2>&1 || result=CRASHED status=1
    told() { sed -n "s/^stat::$1: *//p" "$log"; }
    printf '%-20s %12s %10s  %s\n' "$target" "$(told number_of_executed_units)" \
        "$(told average_exec_per_sec)" "$result"
    [ $result = ok ] || tail -n 60 "$log" >&2
done
exit $status
