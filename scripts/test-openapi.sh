#!/bin/sh
# Lints the API document with redocly and spectral, none of which may warn, and builds packages that stock generators make of it:
# openapi-typescript and openapi-python-client. Runs the Postman collection on a temporary mesh. $1: the carshare-gateway binary, $2: the
# carshare binary.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib.sh
rules=$(pwd)/gateway
tools="${XDG_CACHE_HOME:-$HOME/.cache}/carshare/openapi"

if [ ! -x "$tools/node_modules/.bin/newman" ] || [ ! -x "$tools/venv/bin/openapi-python-client" ]; then
    mkdir -p "$tools"
    npm install --silent --no-fund --no-audit --prefix "$tools" \
        @redocly/cli@2.77.0 @stoplight/spectral-cli@6.16.3 openapi-typescript@7.13.0 typescript@5.9.3 newman@6.2.2
    python3 -m venv "$tools/venv"
    "$tools/venv/bin/pip" install -q uv
    "$tools/venv/bin/uv" pip install -q --python "$tools/venv/bin/python" openapi-python-client==0.29.1 build==1.6.1 ruff
fi
PATH="$tools/node_modules/.bin:$tools/venv/bin:$PATH"

start_mesh "$2" --no-demo
mkdir "$work/openapi"
GATEWAY__DOCS__PUBLIC_URL=https://api.carshare.kr "$1" openapi "$work/openapi/openapi.json" >"$work/openapi.log" || { cat "$work/openapi.log" >&2; exit 1; }
cd "$work/openapi"

redocly lint --config "$rules/redocly.yaml" openapi.json >redocly.log 2>&1 || { cat redocly.log; exit 1; }
if grep -q 'You have [0-9]* warning' redocly.log; then cat redocly.log; exit 1; fi
spectral lint --ruleset "$rules/spectral.yaml" --fail-severity warn openapi.json

openapi-typescript openapi.json -o schema.d.ts >/dev/null
cat >use.ts <<'TS'
import type { components, paths } from "./schema";
type Created = paths["/v1/bookings"]["post"]["responses"]["201"]["content"]["application/json"];
export const pending: components["schemas"]["BookingStatus"] = "pending";
export const summary = (booking: Created): string => `${booking.vehicle.make} ${booking.created_at}`;
TS
tsc --strict --noEmit use.ts

openapi-python-client generate --path openapi.json >python.log 2>&1 || { cat python.log; exit 1; }
if grep -q 'Warning' python.log; then cat python.log; exit 1; fi
python -m build -q --wheel carshare-api-client -o dist
uv pip install -q --python "$tools/venv/bin/python" --reinstall dist/*.whl
python -c 'from carshare_api_client.api.booking import create_booking; from carshare_api_client.models import Booking, BookingStatus; assert BookingStatus.PENDING == "pending"'

python -c 'import sys, urllib.request; urllib.request.urlretrieve(sys.argv[1], "postman.json")' "$gateway/docs/postman.json"
newman run postman.json --bail --silent || { newman run postman.json; exit 1; }
echo "the API document has no warnings, its TypeScript and Python packages build, and the Postman collection passes"
