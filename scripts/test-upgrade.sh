#!/bin/sh
# Runs the processes of an older release on the schema of this one, and replaces them one after the other under load (docs/UPGRADES.md).
# $1: cargo's target folder; $2: the older release, a git reference. Without it the newest tag, or the commit in deploy/released/commit.
set -eu
cd "$(dirname "$0")/.."
target=$1
from=${2:-$(git describe --tags --abbrev=0 2>/dev/null || cat deploy/released/commit)}
commit=$(git rev-parse --verify --quiet "$from^{commit}") || {
    echo "$from is not a commit of this repository" >&2
    exit 1
}
cargo=${CARGO:-cargo}
releases="${XDG_CACHE_HOME:-$HOME/.cache}/carshare/releases"
old="$releases/$commit"

if [ ! -d "$old" ]; then
    # At one path, so that the next older release recompiles only what differs. Other crates are those of this release.
    rm -rf "$releases/source" "$old.new"
    mkdir -p "$releases/source" "$old.new"
    git archive "$commit" | tar -x -C "$releases/source"
    (cd "$releases/source" && $cargo build --workspace --bins --locked --target-dir "$target")
    for binary in "$target"/debug/carshare*; do
        case $binary in *.d) ;; *) if [ -x "$binary" ]; then cp -a "$binary" "$old.new/"; fi ;; esac
    done
    rm -rf "$releases/source"
    mv "$old.new" "$old"
fi
# The folder has those of the older release now.
$cargo build --workspace --bins --locked --target-dir "$target"
echo "from $from ($commit) to $(git rev-parse --short HEAD)"
CARSHARE_BINARIES="$old" $cargo test --workspace --test it --locked --target-dir "$target" -- \
    upgrades::rolling crashes::checkout crashes::drain crashes::registration --nocapture
