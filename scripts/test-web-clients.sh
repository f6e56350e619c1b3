#!/bin/sh
# Builds the package @carshare/client and calls temporary meshes with it, with connect-es over Connect, gRPC-web and gRPC, and with grpc-js, in
# Node and headless Chromium. $1: the carshare binary. Needs npm; Chromium is installed by apt if it is missing.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib.sh
root=$(pwd)
tools="${XDG_CACHE_HOME:-$HOME/.cache}/carshare/web-clients"

if ! command -v chromium >/dev/null; then
    if [ "$(id -u)" = 0 ]; then sudo=""; else sudo=sudo; fi
    $sudo apt-get update -qq && $sudo apt-get install -y -qq chromium
fi
chromium=$(command -v chromium)

# The package and the tests are built outside of the source tree.
mkdir -p "$tools/clients/typescript"
cp -r clients/typescript/. "$tools/clients/typescript"
cp tests/clients/web/* "$tools"
ln -sfn "$root/proto" "$tools/proto"
npm install --silent --no-fund --no-audit --prefix "$tools"
npm run --silent --prefix "$tools" -w @carshare/client build

start_mesh "$1"
cd "$tools"
# The example of the package's page, against demo data.
block js "$root/clients/typescript/README.md" >example.mjs
block text "$root/clients/typescript/README.md" >"$work/expected"
node example.mjs >"$work/printed"
diff -u "$work/expected" "$work/printed"
echo "passed: the example of clients/typescript/README.md"
node node.mjs "$gateway" stock
node chromium.mjs "$gateway" "$chromium" stock
node grpcjs.mjs "$gateway" "$root/proto"
stop_mesh
cd "$root"

# Tokens and silences end within seconds.
start_mesh "$1" --no-demo --set AUTH__SESSIONS__ACCESS_TOKEN_TTL_S=3 --set NOTIFICATION__LIVE__HEARTBEAT_MS=300
cd "$tools"
node node.mjs "$gateway" expiry
node chromium.mjs "$gateway" "$chromium" expiry
node node.mjs "$gateway" package
node chromium.mjs "$gateway" "$chromium" package
