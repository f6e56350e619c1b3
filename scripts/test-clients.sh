#!/bin/sh
# Starts a mesh with data of its own and walks the booking journey with stock clients. $1: the carshare binary.
set -eu
cd "$(dirname "$0")/.."
venv="${XDG_CACHE_HOME:-$HOME/.cache}/carshare/clients"
work=$(mktemp -d /tmp/carshare-clients-XXXXXX)
chmod 755 "$work"

if [ ! -x "$venv/bin/buf" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install -q uv
    "$venv/bin/uv" pip install -q --python "$venv/bin/python" -r tests/clients/requirements.txt
fi

"$1" run --data "$work/data" --gateway-port 0 --sandbox-port 0 --s3-port 0 --no-demo >"$work/log" 2>&1 &
mesh=$!
trap 'kill $mesh 2>/dev/null; wait $mesh 2>/dev/null; rm -rf "$work"' EXIT

# The mesh says where it listens as soon as it is ready.
url_of() { sed -n "s/^  $1 *\(http[^ ]*\).*/\1/p" "$work/log"; }
tries=0
until [ -n "$(url_of gateway)" ]; do
    tries=$((tries + 1))
    [ $tries -lt 600 ] && kill -0 $mesh 2>/dev/null || { cat "$work/log"; exit 1; }
    sleep 0.1
done
"$venv/bin/python" tests/clients/journey.py --gateway "$(url_of gateway)" --sandbox "$(url_of sandbox)" \
    --buf "$venv/bin/buf" --schema proto
