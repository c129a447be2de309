#!/bin/sh
# deny.sh: every dependency's licence, source and version against deny.toml; known
# vulnerabilities where the database can be had. Says loudly what it could not do.
set -eu

cd "$(dirname "$0")/.."
command -v cargo >/dev/null || PATH=${CARGO_HOME:-${HOME:-}/.cargo}/bin:$PATH

# Building it takes minutes, more than all the rest of the checks; so it is not installed here.
if ! cargo deny --version >/dev/null 2>&1; then
    echo "SKIPPED deny.sh: cargo-deny is missing (cargo install --locked cargo-deny)" >&2
    exit 0
fi
# It reads the manifest of every dependency, also of those for other systems.
cargo fetch --locked --quiet
cargo deny --offline --locked check licenses bans sources
if cargo deny --locked fetch db >/dev/null 2>&1; then
    cargo deny --offline --locked check advisories
else
    echo "SKIPPED deny.sh: advisories: their database cannot be reached from here" >&2
fi
