#!/bin/sh
# Runs the booking journey with stock clients on a temporary mesh. $1: the carshare binary.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib.sh
venv="${XDG_CACHE_HOME:-$HOME/.cache}/carshare/clients"

if [ ! -x "$venv/bin/buf" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install -q uv
    "$venv/bin/uv" pip install -q --python "$venv/bin/python" -r tests/clients/requirements.txt
fi

start_mesh "$1" --no-demo
"$venv/bin/python" tests/clients/journey.py --gateway "$gateway" --sandbox "$sandbox" --buf "$venv/bin/buf" --schema proto
