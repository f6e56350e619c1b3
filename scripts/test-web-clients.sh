#!/bin/sh
# Builds the package @carshare/client and calls temporary meshes with it, with connect-es over Connect, gRPC-web and gRPC, and with grpc-js, in
# Node and headless Chromium. $1: the carshare-gateway binary, $2: the carshare binary. Needs npm; Chromium is installed by apt if it is missing.
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
mkdir -p "$tools/clients"
rm -rf "$tools/clients/proto" "$tools/clients/typescript/src"
cp -r clients/typescript "$tools/clients"
cp tests/clients/web/* "$tools"
ln -sfn "$root/proto" "$tools/proto"
"$1" client-protos "$tools/clients/proto" >"$tools/protos.log"
npm install --silent --no-fund --no-audit --prefix "$tools"
npm run --silent --prefix "$tools" -w @carshare/client build

start_mesh "$2"
cd "$tools"
# The example of the package's page, against demo data.
block js "$root/clients/typescript/README.md" >example.mjs
block text "$root/clients/typescript/README.md" >"$work/expected"
cp example.mjs example.mts
node_modules/.bin/tsc --noEmit --strict --skipLibCheck --target es2022 --module nodenext example.mts
node example.mjs >"$work/printed"
diff -u "$work/expected" "$work/printed"
echo "passed: the example of clients/typescript/README.md"
node node.mjs "$gateway" stock
node chromium.mjs "$gateway" "$chromium" stock
# Stops the mesh.
node grpcjs.mjs "$gateway" "$tools/clients/proto" "$mesh"
stop_mesh
cd "$root"

# Tokens and silences end within seconds.
start_mesh "$2" --no-demo --set AUTH__SESSIONS__ACCESS_TOKEN_TTL_S=3 --set NOTIFICATION__LIVE__HEARTBEAT_MS=300
cd "$tools"
node node.mjs "$gateway" expiry
node chromium.mjs "$gateway" "$chromium" expiry
node node.mjs "$gateway" package
node chromium.mjs "$gateway" "$chromium" package
