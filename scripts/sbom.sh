#!/bin/sh
# Prints a software bill of materials of the binaries, CycloneDX 1.6 in JSON.
set -eu
here=$(dirname "$0")
cd "$here/.."
checksums=$(awk -F '"' '/^name/ { name = $2 } /^version/ { version = $2 } /^checksum/ { print name, version, $2 }' Cargo.lock |
    jq -Rn '[inputs / " " | { "\(.[0]) \(.[1])": .[2] }] | add')
version=$(git describe --always --dirty 2>/dev/null || echo unknown)
cargo metadata --format-version 1 --locked --filter-platform "${TARGET:-x86_64-unknown-linux-gnu}" |
    jq --argjson checksums "$checksums" --arg version "$version" -f scripts/sbom.jq
