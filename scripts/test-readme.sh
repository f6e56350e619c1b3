#!/bin/sh
# Runs the commands of the README's booking journey on a temporary mesh and compares their output. $1: the carshare binary.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib.sh
start_mesh "$1" --no-demo

# block KIND: prints the fenced blocks of that kind between the markers of the journey.
block() {
    awk -v kind="$1" '/^<!-- journey -->/ { on = 1 } /^<!-- \/journey -->/ { on = 0 }
        on && $0 == "```" { inside = 0 } inside { print } on && $0 == "```" kind { inside = 1 }' README.md
}
block sh | sed "s|http://localhost:8080|$gateway|; s|http://localhost:8090|$sandbox|" >"$work/commands"
block text >"$work/expected"
timeout 120 bash "$work/commands" >"$work/printed" 2>"$work/errors" || { cat "$work/errors" >&2; exit 1; }
diff -u "$work/expected" "$work/printed"
echo "passed: the README's booking journey"
