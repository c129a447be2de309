#!/bin/sh
# run.sh [--runs N | --quick] [--seconds N] [--longest N] [--fast | --blind] [TARGET…]: builds the fuzz
# targets and runs each for N executions (default: 1000000), one after another; with --seconds, no
# longer than that each. Inputs are 2048 bytes at most, or as --longest says. Prints executions, speed
# and crashes of each; the status is 1 if anything crashed.
#
# --quick is what a change must pass: 20000 executions and one second each at most. --fast does not
# watch comparisons: two to four times as many executions a second, each a little blinder; for a long
# run on a corpus that is good already. --blind watches nothing and learns nothing: inputs of the
# corpus in disorder, as fast as the code itself runs; GOKAKU_TEST_SEED chooses others.
#
# Needs cargo-fuzz (`cargo install cargo-fuzz`; not for --blind) and a C++ compiler, and no nightly
# toolchain. The seeds are those of seeds/ and, if one is ready, the files of the test root. What was
# found worth keeping stays in corpus/, crashing inputs in artifacts/; neither is committed.
set -eu

usage() {
    sed -n 's/^# \{0,1\}//; 2,10p' "$0" >&2
    exit 64
}

runs=1000000 seconds=0 longest=2048 fast='' blind=''
while [ $# -gt 0 ]; do
    case $1 in
    --quick) runs=20000 seconds=1 ;;
    --fast) fast=--no-trace-compares ;;
    --blind) blind=yes ;;
    --runs | --seconds | --longest)
        [ $# -gt 1 ] || usage
        case $1 in
        --runs) runs=$2 ;;
        --seconds) seconds=$2 ;;
        *) longest=$2 ;;
        esac
        shift
        ;;
    -*) usage ;;
    *) break ;;
    esac
    shift
done
for number in "$runs" "$seconds" "$longest" "${GOKAKU_TEST_SEED:-1804}"; do
    case $number in '' | *[!0-9]*) usage ;; esac
done

cd "$(dirname "$0")"
command -v cargo >/dev/null || PATH=${CARGO_HOME:-${HOME:-}/.cargo}/bin:$PATH
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

if [ -n "$blind" ]; then
    cargo build --locked --release --example blind >&2
else
    ../provision/need.sh c++:g++
    if ! cargo fuzz --version >/dev/null 2>&1; then
        echo "error: cargo-fuzz is missing; run: cargo install --locked cargo-fuzz" >&2
        exit 69
    fi
    # No sanitizer: the code is safe Rust, and a stable compiler does.
    export CARGO_TARGET_DIR="$PWD/target${fast:+/fast}"
    one=
    [ $# -gt 1 ] || one=$1
    # shellcheck disable=SC2086 # one word or none
    cargo fuzz build --sanitizer none $fast $one >&2
    host=$(rustc -vV | sed -n 's/^host: //p')
fi

root=$(../tests/standin-root.sh --ready 2>/dev/null) || root=
[ -z "$root" ] || ./seeds.sh "$root" corpus

log=$(mktemp) words=$(mktemp)
trap 'rm -f "$log" "$words"' EXIT

# watched TARGET: libFuzzer.
watched() {
    # Rules read files of every kind.
    case $1 in
    rules_*) cat dictionaries/* >"$words" ;;
    *) cat "dictionaries/$1" >"$words" ;;
    esac
    "$CARGO_TARGET_DIR/$host/release/$1" -runs="$runs" -max_total_time="$seconds" -max_len="$longest" \
        -timeout=60 -rss_limit_mb=2048 -reload=0 -print_final_stats=1 -dict="$words" \
        -artifact_prefix="artifacts/$1/" "corpus/$1" "seeds/$1"
}

# unwatched TARGET: the same figures of examples/blind.rs.
unwatched() {
    target/release/examples/blind "$1" "$runs" "$seconds" "$longest" "${GOKAKU_TEST_SEED:-1804}" \
        "corpus/$1" "seeds/$1"
}

status=0
printf '%-20s %12s %10s  %s\n' target executions exec/s result
for target; do
    mkdir -p "corpus/$target" "artifacts/$target"
    result=ok
    if [ -n "$blind" ]; then unwatched "$target"; else watched "$target"; fi >"$log" 2>&1 ||
        result=CRASHED status=1
    told() { sed -n "s/^stat::$1: *//p" "$log"; }
    printf '%-20s %12s %10s  %s\n' "$target" "$(told number_of_executed_units)" \
        "$(told average_exec_per_sec)" "$result"
    [ $result = ok ] || tail -n 60 "$log" >&2
done
exit $status
